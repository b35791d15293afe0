package need

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/assembly/migrations"
)

// visitor is a browser without scripts, in front of the pages of a world.
type visitor struct {
	*world
	url    string
	client *http.Client
	who    string // who is signed in; empty = nobody
	from   string
	admin  bool
}

func (v *visitor) SignedIn(*http.Request) (string, bool, error) { return v.who, v.who != "", nil }

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	d := dbtest.SQLite(t, "assembly", migrations.Files)
	if err := db.Migrate(t.Context(), d, "web", web.Migrations()); err != nil {
		t.Fatal(err)
	}
	v := &visitor{world: newWorld(t, d), from: "203.0.113.5"}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	v.url = server.URL
	v.n.URL = server.URL
	site := web.New(web.Needs{
		DB: d, Words: catalogue(t), Lang: "en", URL: server.URL, Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A"} },
		Entrance: &web.Entrance{
			SignIn: "/sign-in", Admin: func(*http.Request) (bool, error) { return v.admin, nil }, Leave: func(http.ResponseWriter, *http.Request) error { return nil },
		},
		Now: func() time.Time { return v.at }, Log: slog.New(slog.DiscardHandler),
	})
	handler = site.Handler([]web.Pages{NewExchange(v.Service, v.members()).Pages(site, v, func(id core.MemberID) string { return "/hosters/one?key=" + string(id) })})
	v.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v
}

// do sends a request and answers the page, or where it leads.
func (v *visitor) do(method, path string, status int, form url.Values) (text, next string, head http.Header) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	v.ok(err)
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("X-Forwarded-For", v.from)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(req)
	v.ok(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	v.ok(err)
	if res.StatusCode != status || strings.Contains(string(body), "⟦") || strings.Contains(string(body), "<script") {
		v.t.Fatalf("%s %s: %d, want %d\n%s", method, path, res.StatusCode, status, body)
	}
	return string(body), res.Header.Get("Location"), res.Header
}

var stampField = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// form fills in the form at a person's pace.
func (v *visitor) form(goal, address string) url.Values {
	v.t.Helper()
	page, _, _ := v.do(http.MethodGet, pathNew, http.StatusOK, nil)
	if len(page) > 15<<10 {
		v.t.Errorf("the form has %d bytes", len(page))
	}
	stamp := stampField.FindStringSubmatch(page)
	v.at = v.at.Add(20 * time.Second)
	return url.Values{"stamp": {html.UnescapeString(stamp[1])}, "goal": {goal}, "obstacle": {"No form."}, "service": {"Pad"}, "address": {address}, "website": {""}}
}

// Scenarios 1 and 2 by pages: nothing that is only read changes anything.
func TestFromTheFormToTheAnswer(t *testing.T) {
	v := newVisitor(t)
	_, mine, _ := v.do(http.MethodPost, pathNew, http.StatusSeeOther, v.form("I want to share a calendar", planted))
	page, _, head := v.do(http.MethodGet, mine, http.StatusOK, nil)
	if !strings.Contains(page, "it is not public yet") || head.Get("Referrer-Policy") != "no-referrer" || head.Get("X-Robots-Tag") != "noindex, nofollow" || head.Get("Cache-Control") != "no-store" {
		t.Errorf("%v\n%s", head, page)
	}
	v.deliver()
	claim, sig := mailed(v.sent[0])
	link := pathConfirm + claim + "/" + sig
	for range 3 { // a scanner of the mail server opens all links
		v.do(http.MethodGet, link, http.StatusOK, nil)
		v.do(http.MethodHead, link, http.StatusOK, nil)
	}
	n, err := v.ByToken(t.Context(), strings.TrimPrefix(mine, pathMine))
	v.ok(err)
	if n.Confirmed != 0 {
		t.Error("a GET confirmed the address")
	}
	v.do(http.MethodPost, link, http.StatusOK, nil)
	v.do(http.MethodGet, AdminPath, http.StatusSeeOther, nil) // to the page to sign in
	v.admin = true
	here := AdminPath + "/" + n.ID
	v.do(http.MethodGet, here, http.StatusOK, nil)
	v.do(http.MethodPost, here, http.StatusSeeOther, url.Values{"do": {"publish"}, "goal": {"Share a **calendar**"}, "obstacle": {"No form."}})
	v.do(http.MethodPost, here, http.StatusBadRequest, url.Values{"do": {"answer"}, "state": {"not_us"}, "text": {"No"}})
	v.do(http.MethodPost, here, http.StatusSeeOther, url.Values{"do": {"answer"}, "state": {"elsewhere"}, "member": {"chaton-b.test"}, "text": {"They do, see https://chaton-b.test/."}})
	v.do(http.MethodGet, AdminPath, http.StatusOK, nil)
	v.admin = false
	page, _, _ = v.do(http.MethodGet, Path, http.StatusOK, nil)
	for _, want := range []string{"Not here, but at chaton-b.test.", `href="/hosters/one?key=chaton-b.test"`, `rel="nofollow ugc noreferrer">https://chaton-b.test/`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	page, _, _ = v.do(http.MethodGet, mine, http.StatusOK, nil)
	if !strings.Contains(page, "They do") || strings.Contains(page, "elsewhere.test") {
		t.Errorf("what its author reads:\n%s", page)
	}
	if got := v.deliver(); !strings.Contains(got, "An answer to your need") {
		t.Errorf("mailed: %s", got)
	}
	_, next, _ := v.do(http.MethodPost, mine, http.StatusSeeOther, url.Values{"do": {"withdraw"}})
	v.do(http.MethodGet, next, http.StatusOK, nil)
	v.do(http.MethodGet, mine, http.StatusNotFound, nil)
}

func TestTheFormKeepsProgramsOut(t *testing.T) {
	v := newVisitor(t)
	good := v.form("A calendar", "")
	for name, change := range map[string]func(url.Values){
		"the trap":        func(f url.Values) { f.Set("website", "https://pills.test") },
		"no stamp":        func(f url.Values) { f.Del("stamp") },
		"a forged stamp":  func(f url.Values) { f.Set("stamp", "x"+f.Get("stamp")) },
		"too quick":       func(f url.Values) { f.Set("stamp", v.keys.stamp(v.at)) },
		"nothing told":    func(f url.Values) { f.Set("goal", " \r\n ") },
		"turned around":   func(f url.Values) { f.Set("goal", "pay \u202Eme") },
		"buried":          func(f url.Values) { f.Set("goal", "a"+strings.Repeat("\u0301", 20)) },
		"control":         func(f url.Values) { f.Set("goal", "a\x1b[2J") },
		"too long":        func(f url.Values) { f.Set("obstacle", strings.Repeat("é", MaxText+1)) },
		"two addresses":   func(f url.Values) { f.Set("address", "a@b.test, c@d.test") },
		"a mail's header": func(f url.Values) { f.Set("address", "a@b.test\r\nBcc: c@d.test") },
	} {
		f := url.Values{}
		for k := range good {
			f.Set(k, good.Get(k))
		}
		change(f)
		page, _, _ := v.do(http.MethodPost, pathNew, http.StatusBadRequest, f)
		if name == "too quick" && !strings.Contains(page, "A calendar") {
			t.Error("what was typed is lost")
		}
	}
	v.at = v.at.Add(25 * time.Hour)
	v.do(http.MethodPost, pathNew, http.StatusConflict, good)
	v.do(http.MethodPost, pathNew, http.StatusBadRequest, url.Values{"goal": {strings.Repeat("a", 2<<20)}})
	for range perNetwork {
		v.do(http.MethodPost, pathNew, http.StatusSeeOther, v.form("A calendar", ""))
	}
	full := v.form("A calendar", "")
	v.do(http.MethodPost, pathNew, http.StatusInsufficientStorage, full)
	v.who = "ana" // who has an account here is counted with nobody
	v.do(http.MethodPost, pathNew, http.StatusSeeOther, full)
	v.who, v.from = "", "198.51.100.5"
	v.do(http.MethodPost, pathNew, http.StatusSeeOther, full)
}

func TestMeTooByPages(t *testing.T) {
	v := newVisitor(t)
	n := v.published("A calendar")
	also := Path + "/also/" + n.ID
	v.do(http.MethodGet, also, http.StatusOK, nil)
	v.do(http.MethodPost, also, http.StatusSeeOther, url.Values{"address": {planted}})
	v.do(http.MethodPost, also, http.StatusBadRequest, url.Values{"address": {"nobody"}})
	v.deliver()
	claim, sig := mailed(v.sent[0])
	v.do(http.MethodGet, pathConfirm+claim+"/"+sig, http.StatusOK, nil)
	voices := func() int64 {
		n, err := v.Get(t.Context(), n.ID)
		v.ok(err)
		return n.Voices
	}
	if voices() != 0 {
		t.Error("counted by a GET")
	}
	v.do(http.MethodPost, pathConfirm+claim+"/"+sig, http.StatusOK, nil)
	v.who = "ana"
	for range 2 {
		v.do(http.MethodPost, also, http.StatusSeeOther, nil)
	}
	if got := voices(); got != 2 {
		t.Errorf("%d voices", got)
	}
	page, _, _ := v.do(http.MethodGet, Path, http.StatusOK, nil)
	if !strings.Contains(page, "You said so too") || !strings.Contains(page, "2 other people too") {
		t.Error(page)
	}
	v.do(http.MethodGet, Path+"/also/NOSUCH", http.StatusNotFound, nil)
	v.do(http.MethodGet, Path+"?from=-1", http.StatusNotFound, nil)
	v.at = v.at.Add(40 * day)
	if page, _, _ = v.do(http.MethodGet, Path, http.StatusOK, nil); !strings.Contains(page, "No answer for 40 days.") {
		t.Error(page)
	}
}
