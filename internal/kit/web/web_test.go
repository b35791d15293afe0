package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// guestbook is a small room: a public page, a form only admins reach, and what
// goes wrong.
type guestbook struct {
	names []string
	page  *web.Page[bookPage]
}

type bookPage struct {
	Names []string
	Name  web.Field
	Seed  web.Field // with a name: a secret, of any number of lines
}

func (g *guestbook) read(r *http.Request) (bookPage, error) {
	return bookPage{Names: g.names, Name: web.Field{Name: "name", Label: "web.menu", Value: r.PostFormValue("name")}}, nil
}

func (g *guestbook) sign(r *http.Request) (string, error) {
	name := r.PostForm.Get("name")
	if name == "" {
		return "", core.Invalid("web.bad_form", errors.New("no name"))
	}
	g.names = append(g.names, name)
	return "/admin/book", nil
}

const bookHTML = `{{define "title"}}Book{{end}}
{{define "main"}}<h1>Book</h1>{{range .Names}}<p>{{.}}</p>{{end}}
<form method="post">{{template "field" .Name}}{{if .Seed.Name}}{{template "field" .Seed}}{{end}}<button>ok</button></form>{{end}}`

func (g *guestbook) web(site *web.Site) web.Pages {
	g.page = web.NewPage[bookPage](site, fstest.MapFS{"book.html": {Data: []byte(bookHTML)}}, "book.html")
	fail := func(*http.Request) (bookPage, error) { return bookPage{}, errors.New("the password is hunter2") }
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET /book", Handler: g.page.Show(g.read)},
			{Pattern: "GET /broken", Handler: g.page.Show(fail)},
			{Pattern: "GET /broken/{token}", Handler: g.page.Show(fail)},
			{Pattern: "GET /admin/broken", Handler: g.page.Show(fail)},
			{Pattern: "GET /file/{name}", Handler: file(site)},
			{Pattern: "GET /panic", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("hunter2") })},
			{Pattern: "/admin/once", Handler: g.page.Reveal(g.read, func(r *http.Request) (bookPage, error) {
				_, err := g.sign(r)
				return bookPage{Names: []string{"shown once"}}, err
			})},
			{Pattern: "/admin/secret/{rows}", Handler: g.page.Form(func(r *http.Request) (bookPage, error) {
				rows, err := strconv.Atoi(r.PathValue("rows"))
				return bookPage{Seed: web.Field{Name: "seed", Label: "web.menu", Rows: rows, Secret: true, Complete: "name", Value: r.PostFormValue("seed")}}, err
			}, g.sign)},
			{Pattern: "/admin/book", Handler: g.page.Form(g.read, g.sign)},
			{Pattern: "GET /admin/{$}", Handler: g.page.Show(g.read)},
		},
		Menu: []web.Entry{
			{Path: "/admin/settings", Key: "web.enter", Order: 1},
			{Path: "/admin/other", Key: "web.menu", Group: web.GroupPublic, Order: 9},
			{Path: "/admin/book", Key: "web.menu_admin", Group: web.GroupPublic, Order: 2},
			{Path: "/admin/", Key: "web.enter", Group: web.GroupToday},
			{Path: "/book", Key: "web.menu"},
		},
	}
}

// site is the guestbook served, with a clock that the test turns.
type testSite struct {
	*httptest.Server
	db   *db.DB
	now  time.Time
	book guestbook
	log  strings.Builder
}

func newSite(t *testing.T, d *db.DB) *testSite {
	t.Helper()
	catalogue, err := words.New(web.Words)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{db: d, now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)}
	var handler http.Handler
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	site := web.New(web.Needs{
		DB: d, Words: catalogue, Lang: words.French, URL: s.URL,
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton <A>", Origin: "chaton-a.test"} },
		Now:  func() time.Time { return s.now }, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	handler = site.Handler([]web.Pages{s.book.web(site)})
	return s
}

// browser keeps cookies and follows no redirect.
func (s *testSite) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response with its text.
type answer struct {
	*http.Response
	text string
}

func do(t *testing.T, c *http.Client, req *http.Request, err error) answer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

func (s *testSite) get(t *testing.T, c *http.Client, path string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, c, req, err)
}

func (s *testSite) post(t *testing.T, c *http.Client, path string, form url.Values, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, c, req, err)
}

// token makes a link and takes its token out.
func (s *testSite) token(t *testing.T) string {
	t.Helper()
	link, _, err := web.NewLink(t.Context(), s.db, s.URL, core.At(s.now))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("token")
}

func (s *testSite) signIn(t *testing.T, c *http.Client) {
	t.Helper()
	if got := s.post(t, c, "/admin/sign-in", url.Values{"token": {s.token(t)}}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: %d %s", got.StatusCode, got.text)
	}
}

func want(t *testing.T, got answer, status int, parts ...string) {
	t.Helper()
	if got.StatusCode != status {
		t.Errorf("%s: status %d, want %d", got.Request.URL, got.StatusCode, status)
	}
	for _, part := range parts {
		if !strings.Contains(got.text, part) {
			t.Errorf("%s: no %q in\n%s", got.Request.URL, part, got.text)
		}
	}
}

func TestLanguageIsTheVisitors(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	const french, english = `<html lang="fr">`, `<html lang="en">`
	want(t, s.get(t, c, "/book"), 200, french, "Aller au contenu")
	want(t, s.get(t, c, "/book", "Accept-Language", "en-GB,en;q=0.9"), 200, english, "Skip to the content")
	want(t, s.get(t, c, "/book", "Accept-Language", "br,fr;q=0.8,en;q=0.5"), 200, french)
	want(t, s.get(t, c, "/nowhere", "Accept-Language", "en"), 404, english, "no page at this address")
	want(t, s.get(t, c, "/book?page=2&lang=en"), 200, english, `href="/book?lang=fr&amp;page=2"`)
	want(t, s.get(t, c, "/book"), 200, english) // the choice was kept
	want(t, s.get(t, c, "/book?lang=de"), 200, english)
	want(t, s.get(t, c, "/book?lang=fr", "Accept-Language", "en"), 200, french)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	for _, path := range []string{"/book", "/nowhere", "/broken", "/panic", "/admin/book", "/admin/sign-in"} {
		got := s.get(t, c, path)
		csp := got.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, got.Header)
		}
		if strings.HasPrefix(path, "/admin/") && got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
	}
	if got := s.get(t, c, "/book"); strings.Contains(got.text, "<A>") {
		t.Error("a name became HTML")
	}
}

// What is wrong inside stays in the log, under the reference a visitor reads.
func TestFaultsStayInTheLog(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	for _, path := range []string{"/broken", "/panic"} {
		s.log.Reset()
		got := s.get(t, c, path)
		want(t, got, 500, "Quelque chose s")
		if strings.Contains(got.text, "hunter2") {
			t.Errorf("%s tells a visitor our secrets:\n%s", path, got.text)
		}
		_, ref, _ := strings.Cut(s.log.String(), "ref=")
		if ref = strings.Fields(ref + " ")[0]; len(ref) != 8 || !strings.Contains(got.text, ref) || !strings.Contains(s.log.String(), "hunter2") {
			t.Errorf("%s: log %q does not explain\n%s", path, s.log.String(), got.text)
		}
	}
	s.log.Reset()
	want(t, s.get(t, c, "/broken/private-link"), 500)
	if log := s.log.String(); strings.Contains(log, "private-link") || !strings.Contains(log, "/broken/{token}") {
		t.Errorf("the log tells a secret, or not which page: %s", log)
	}
	s.signIn(t, c)
	want(t, s.get(t, c, "/admin/broken"), 500, "hunter2")
}

func TestSignInOnce(t *testing.T) {
	dbtest.Each(t, "web", web.Migrations(), func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		c, other := s.browser(t), s.browser(t)
		token := s.token(t)
		// Looking at the link, as a mail scanner does, does not use it up.
		want(t, s.get(t, other, "/admin/sign-in?token="+token), 200, `value="`+token+`"`)
		want(t, s.get(t, other, "/admin/sign-in?token="+token), 200, `value="`+token+`"`)
		want(t, s.post(t, c, "/admin/sign-in", url.Values{"token": {token}}), 303)
		want(t, s.get(t, c, "/admin/book"), 200, "Book")
		want(t, s.post(t, other, "/admin/sign-in", url.Values{"token": {token}}), 403, "a déjà servi")
		want(t, s.get(t, other, "/admin/book"), 303)

		late := s.token(t)
		s.now = s.now.Add(15 * time.Minute)
		want(t, s.post(t, other, "/admin/sign-in", url.Values{"token": {late}}), 403)
		want(t, s.post(t, other, "/admin/sign-in", url.Values{}), 403)

		s.now = s.now.Add(11*time.Hour + 44*time.Minute)
		want(t, s.get(t, c, "/admin/book"), 200)
		s.now = s.now.Add(time.Minute)
		want(t, s.get(t, c, "/admin/book"), 303)
	})
}

func TestSignOut(t *testing.T) {
	dbtest.Each(t, "web", web.Migrations(), func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		c, stolen := s.browser(t), s.browser(t)
		s.signIn(t, c)
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		stolen.Jar.SetCookies(u, c.Jar.Cookies(u))
		want(t, s.get(t, stolen, "/admin/book"), 200)
		want(t, s.post(t, c, "/admin/sign-out", nil), 303)
		want(t, s.get(t, c, "/admin/book"), 303)
		want(t, s.get(t, stolen, "/admin/book"), 303) // the session ended, not only the cookie

		s.signIn(t, c)
		s.signIn(t, stolen)
		open := s.token(t)
		if ended, err := web.EndSessions(t.Context(), d); err != nil || ended != 2 {
			t.Errorf("ended %d, %v", ended, err)
		}
		want(t, s.get(t, c, "/admin/book"), 303)
		want(t, s.post(t, c, "/admin/sign-in", url.Values{"token": {open}}), 403)
	})
}

// The path alone decides who gets in; no spelling of it goes round.
func TestNobodyGetsInside(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	for _, path := range []string{"/admin/book", "/admin/", "/admin", "/%61dmin/book", "/admin//book", "//admin/book", "/x/../admin/book", "/admin/nowhere", "/admin%2Fbook"} {
		got := s.get(t, c, path)
		if got.StatusCode == http.StatusOK || strings.Contains(got.text, "Book") {
			t.Errorf("%s: %d\n%s", path, got.StatusCode, got.text)
		}
	}
	want(t, s.post(t, c, "/admin/book", url.Values{"name": {"eve"}}), 403, "rien n&#39;a été changé")
	want(t, s.get(t, c, "/admin/book", "Cookie", "entrechat=; entrechat=x"), 303)
	if len(s.book.names) != 0 {
		t.Error("somebody signed from outside")
	}
}

func TestForm(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	s.signIn(t, c)
	want(t, s.get(t, c, "/admin/book"), 200, `<label for="name">`, `aria-current="page"`)
	want(t, s.post(t, c, "/admin/book", url.Values{"name": {"Zoé"}}), 303)
	want(t, s.get(t, c, "/book"), 200, "<p>Zoé</p>")
	want(t, s.post(t, c, "/admin/book", url.Values{"name": {""}}), 400, `role="alert"`, "recommencez", "<h1>Book</h1>")
	want(t, s.post(t, c, "/admin/book", url.Values{"name": {strings.Repeat("x", 2<<20)}}), 400, "trop long")
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://elsewhere.test"},
		{"Origin", "null"},
	} {
		want(t, s.post(t, c, "/admin/book", url.Values{"name": {"eve"}}, header...), 403, "autre site")
	}
	want(t, s.post(t, c, "/admin/book", url.Values{"name": {"Max"}}, "Sec-Fetch-Site", "same-origin", "Origin", s.URL), 303)
	if got := strings.Join(s.book.names, " "); got != "Zoé Max" {
		t.Errorf("signed by %s", got)
	}
}

// A cookie for https is never sent over a connection that others read.
func TestCookiesOverHTTPS(t *testing.T) {
	d := dbtest.SQLite(t, "web", web.Migrations())
	catalogue, err := words.New(web.Words)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	site := web.New(web.Needs{
		DB: d, Words: catalogue, Lang: words.French, URL: "https://chaton-a.test",
		Host: func(context.Context) web.Host { return web.Host{} }, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	s := &testSite{db: d, now: now, Server: httptest.NewServer(site.Handler(nil))}
	defer s.Close()
	got := s.post(t, s.browser(t), "/admin/sign-in?lang=en", url.Values{"token": {s.token(t)}})
	if len(got.Cookies()) != 2 {
		t.Fatalf("cookies %v", got.Cookies())
	}
	for _, cookie := range got.Cookies() {
		if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("cookie %s", cookie)
		}
	}
	if name := got.Cookies()[1].Name; name != "__Host-entrechat" {
		t.Errorf("session in %s", name)
	}
}

func TestWrongTemplatesDoNotStart(t *testing.T) {
	catalogue, err := words.New(web.Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{Words: catalogue})
	for name, text := range map[string]string{
		"a name the type has not": `{{define "title"}}x{{end}}{{define "main"}}{{.Nobody}}{{end}}`,
		"no main":                 `{{define "title"}}x{{end}}`,
		"a field of another type": `{{define "title"}}x{{end}}{{define "main"}}{{template "field" .Names}}{{end}}`,
		"a range over one":        `{{define "title"}}x{{end}}{{define "main"}}{{range .Name}}{{end}}{{end}}`,
		"a broken brace":          `{{define "title"}}x{{end}}{{define "main"}}{{.Names{{end}}`,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("taken")
				}
			}()
			web.NewPage[bookPage](site, fstest.MapFS{"x.html": {Data: []byte(text)}}, "x.html")
		})
	}
}

// Who gets no place is told so in their language, without a look into the database.
func TestBusySpeaksTheVisitorsLanguage(t *testing.T) {
	catalogue, err := words.New(web.Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{Words: catalogue, Lang: words.French, URL: "https://chaton-a.test", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for _, c := range []struct {
		lang   string
		err    error
		status int
		text   string
	}{
		{"fr", core.Unsure("peer.busy", nil), http.StatusServiceUnavailable, "trop de monde"},
		{"en", core.Unsure("peer.busy", nil), http.StatusServiceUnavailable, "Too many people"},
		{"fr", core.Unsure("peer.slow_down", nil), http.StatusTooManyRequests, "depuis votre réseau"},
		{"en", core.Unsure("peer.slow_down", nil), http.StatusTooManyRequests, "from your network"},
		{"en", core.Invalid("peer.too_large", nil), http.StatusRequestEntityTooLarge, "one megabyte"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept-Language", c.lang)
		w := httptest.NewRecorder()
		site.Busy(w, r, c.err)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) || w.Header().Get("Content-Language") != c.lang {
			t.Errorf("%s, %v: %d %q", c.lang, c.err, w.Code, w.Body)
		}
	}
}

// TestMenu: the admin's menu is grouped by what a person wants, whatever the order in
// which rooms bring their pages; a group of one page is that page under the group's name.
func TestMenu(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	s.signIn(t, c)
	page := s.get(t, c, "/admin/book?lang=en").text
	if strings.Contains(page, `aria-label="Pages"`) || strings.Count(page, `aria-label="Administration"`) != 2 {
		t.Errorf("an admin's page has the admin's menu twice, for a desk and for a phone:\n%s", page)
	}
	_, side, _ := strings.Cut(page, `class="menu side"`)
	side, _, _ = strings.Cut(side, "</nav>")
	for _, part := range []string{"Today", "Our public face", "/admin/book", `aria-current="page"`, "/admin/other", "The node"} {
		_, after, ok := strings.Cut(side, part)
		if !ok {
			t.Fatalf("no %q, in this order, in the menu:\n%s", part, side)
		}
		side = after
	}
	if out := s.get(t, s.browser(t), "/?lang=en").text; strings.Contains(out, "Our public face") {
		t.Errorf("a visitor sees the admin's menu:\n%s", out)
	}
}

// TestReveal: what is shown once stands in no address, is stored by no browser, and a
// mistake shows the form again.
func TestReveal(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	s.signIn(t, c)
	got := s.post(t, c, "/admin/once", url.Values{"name": {"Zoé"}})
	want(t, got, http.StatusOK, "shown once")
	if got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a browser may store it: %q", got.Header.Get("Cache-Control"))
	}
	if again := s.get(t, c, "/admin/once"); strings.Contains(again.text, "shown once") {
		t.Error("it is shown twice")
	}
	want(t, s.post(t, c, "/admin/once", url.Values{"name": {""}}), http.StatusBadRequest, "role=\"alert\"")
}

// TestAnswersToPostHaveNoLanguageLinks: to follow one would throw away what is shown once,
// or what was typed.
func TestAnswersToPostHaveNoLanguageLinks(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	s.signIn(t, c)
	want(t, s.get(t, c, "/admin/once"), http.StatusOK, `hreflang="fr"`, `hreflang="en"`)
	for name, form := range map[string]url.Values{"shown once": {"name": {"Zoé"}}, "the form again": {"name": {""}}} {
		if got := s.post(t, c, "/admin/once", form); strings.Contains(got.text, "hreflang") || strings.Contains(got.text, `class="langs"`) {
			t.Errorf("%s: there are language links", name)
		}
	}
}

// TestSecretField: no browser remembers or spells a secret, and a mistake does not show it.
func TestSecretField(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	s.signIn(t, c)
	for _, path := range []string{"/admin/secret/0", "/admin/secret/5"} {
		const quiet = ` autocomplete="off" spellcheck="false" autocapitalize="none"`
		want(t, s.get(t, c, path), http.StatusOK, quiet)
		again := s.post(t, c, path, url.Values{"seed": {"abandon ability able"}})
		if want(t, again, http.StatusBadRequest, quiet); strings.Contains(again.text, "abandon") {
			t.Errorf("%s: the secret is in the page again", path)
		}
	}
}
