package trust

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/trusttest"
)

// browser is an admin of a node at a browser.
type browser struct {
	*node
	*http.Client
	base string
}

func (n *node) browser() *browser {
	n.w.t.Helper()
	t := n.w.t
	trusttest.OK(t, db.Migrate(t.Context(), n.DB, "web", web.Migrations()))
	catalogue := trusttest.Must[*words.Catalogue](t)(words.New(Words, web.Words, trusttest.Words()))
	jar := trusttest.Must[*cookiejar.Jar](t)(cookiejar.New(nil))
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	site := web.New(web.Needs{
		DB: n.DB, Words: catalogue, Lang: words.English, URL: server.URL,
		Host: func(context.Context) web.Host { return web.Host{Name: string(n.id)} }, Now: n.w.clock, Log: slog.New(slog.DiscardHandler),
	})
	handler = site.Handler([]web.Pages{n.web(site)})
	d := &browser{n, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, server.URL}
	link, _, err := web.NewLink(t.Context(), n.DB, server.URL, core.At(n.w.clock()))
	trusttest.OK(t, err)
	_, token, _ := strings.Cut(link, "token=")
	d.post("/admin/sign-in", http.StatusSeeOther, "token", token)
	return d
}

func (d *browser) ask(method, path string, status int, form url.Values) string {
	t := d.w.t
	t.Helper()
	req := trusttest.Must[*http.Request](t)(http.NewRequestWithContext(t.Context(), method, d.base+path, strings.NewReader(form.Encode())))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res := trusttest.Must[*http.Response](t)(d.Do(req))
	defer res.Body.Close()
	text := string(trusttest.Must[[]byte](t)(io.ReadAll(res.Body)))
	if res.StatusCode != status {
		t.Fatalf("%s %s %v: status %d, want %d\n%s", method, path, form, res.StatusCode, status, text)
	}
	if strings.Contains(text, "⟦") {
		t.Errorf("%s shows a key:\n%s", path, text)
	}
	if next := res.Header.Get("Location"); next != "" {
		return next
	}
	return text
}

func (d *browser) get(path string) string {
	d.w.t.Helper()
	return d.ask(http.MethodGet, path, http.StatusOK, nil)
}

func (d *browser) post(path string, status int, fields ...string) string {
	d.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return d.ask(http.MethodPost, path, status, form)
}

func (d *browser) shows(path string, parts ...string) {
	d.w.t.Helper()
	text := d.get(path)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			d.w.t.Errorf("%s: no %q in\n%s", path, part, text)
		}
	}
}

// Two admins who never touch a command line come to a pact.
func TestPactByPages(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	a, b := w.nodes["a.test"].browser(), w.nodes["b.test"].browser()
	a.shows("/admin/members", "No members yet")
	a.shows("/admin/pacts/new", "invite or add a member")

	if strings.Contains(a.get("/admin/members/invite"), "entrechat:invite") {
		t.Error("looking at the page made an invitation")
	}
	link := regexp.MustCompile(`entrechat:invite[^<]+`).FindString(html.UnescapeString(a.post("/admin/members/invite", http.StatusOK)))
	b.post("/admin/members/add", http.StatusSeeOther, "who", " "+link+"\n")
	b.shows("/admin/members", "a.test", "up to date")
	w.wait(0)
	a.shows("/admin/members", "b.test")

	propose := []string{"with", "b.test", "give_store", "1.5 TB", "ask_store", "200GB", "ask_watch", "60s", "notice", "30", "purpose", "<script>alert(1)</script>"}
	next := a.post("/admin/pacts/new", http.StatusSeeOther, propose...)
	a.shows(next, "waits for the signature of b.test", "1.5 TB", "&lt;script&gt;alert(1)", "Withdraw")
	b.shows("/admin/pacts", "Waiting for our signature")
	b.shows(next, "&lt;script&gt;alert(1)", `value="accept"`)

	if text := b.post(next, http.StatusBadRequest, "do", "accept"); !strings.Contains(text, "Tick the box") {
		t.Errorf("no sentence in\n%s", text)
	}
	b.post(next, http.StatusBadRequest, "do", "burn", "sure", "yes")
	b.post(next, http.StatusSeeOther, "do", "accept", "sure", "yes")
	w.wait(0)
	for _, d := range []*browser{a, b} {
		d.shows(next, "in force", "End the pact")
	}
	b.shows(next, `state fine">in force<`)
	b.shows("/admin/pacts", "<svg", "Room with a.test", "We are promised", "1.5 TB")
	// A pact in force with somebody who is silent is neither well nor over.
	a.offline.Store(true)
	w.wait(3 * 24 * time.Hour)
	b = w.nodes["b.test"].browser() // the session is over
	b.shows("/admin/pacts", "in force; a.test: silent", "state warn")
	b.shows(next, "in force; a.test: silent", "state warn")
	a.offline.Store(false)
	a = w.nodes["a.test"].browser()

	b.post(next, http.StatusSeeOther, "do", "close", "sure", "yes")
	w.wait(0)
	a.shows("/admin/pacts", "notice")
}

func TestProposeByPageRefuses(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a := w.nodes["a.test"].browser()
	for name, c := range map[string]struct{ field, value, says string }{
		"nothing":           {"give_store", "", "promise nothing"},
		"a size that isn't": {"give_store", "many", "&#34;many&#34; does not fit"},
		"a bare number":     {"give_store", "200", "200 what? Say 200GB"},
		"a pace in words":   {"ask_watch", "often", "&#34;often&#34; does not fit"},
		"days in words":     {"notice", "soon", "&#34;soon&#34; does not fit"},
		"nobody":            {"with", "no domain", "not a domain"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"with": {"b.test"}, "purpose": {"why & what"}}
			if name != "nothing" {
				form.Set("give_store", "1GB")
			}
			form.Set(c.field, c.value)
			text := a.ask(http.MethodPost, "/admin/pacts/new", http.StatusBadRequest, form)
			if !strings.Contains(text, c.says) || !strings.Contains(text, "why &amp; what") {
				t.Errorf("no %q, or what was typed is lost, in\n%s", c.says, text)
			}
		})
	}
	if list, err := a.Pacts.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d pacts, %v", len(list), err)
	}
}

// Nothing is added that two people did not compare, nor another key than the one
// they compared.
func TestAddByDomain(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	a, b := w.nodes["a.test"].browser(), w.nodes["b.test"]
	six := seal.Fingerprint(trusttest.PublicRoot(b.root))
	next := a.post("/admin/members/add", http.StatusSeeOther, "who", b.url)
	a.shows(next, six, "Call that team")
	a.post("/admin/members/add", http.StatusBadRequest, "who", b.url, "words", six)
	other := seal.Fingerprint(trusttest.PublicRoot(w.nodes["c.test"].root))
	a.post("/admin/members/add", http.StatusConflict, "who", b.url, "words", other, "same", "yes")
	a.post("/admin/members/add", http.StatusBadRequest, "who", "http://127.0.0.1:1")
	a.post("/admin/members/add", http.StatusBadRequest, "who", "entrechat:invite/1/torn")
	a.shows("/admin/members", "No members yet")
	a.post("/admin/members/add", http.StatusSeeOther, "who", b.url, "words", six, "same", "yes")
	a.shows("/admin/members", "b.test", six)
}

func TestButtonsBesideMembers(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a := w.nodes["a.test"].browser()
	press := func(do, shows string) {
		t.Helper()
		a.post("/admin/members", http.StatusSeeOther, "member", "b.test", "do", do)
		a.shows("/admin/members", shows)
	}
	press("vouch", "vouched for by us")
	press("unvouch", `value="vouch"`)
	press("refuse", "Stop refusing")
	press("readmit", "Refuse everything")
	a.post("/admin/members", http.StatusBadRequest, "member", "b.test", "do", "")
	a.post("/admin/members", http.StatusBadRequest, "member", "<b>", "do", "refuse")
	a.post("/admin/members", http.StatusNotFound, "member", "x.test", "do", "refuse")
	a.get("/admin/members?member=b.test&do=refuse")
	a.shows("/admin/members", "Refuse everything") // a GET changed nothing
	if got := strings.Join(a.types(), " "); strings.Count(got, "vouch") != 2 {
		t.Errorf("the logbook has %s", got)
	}
}
