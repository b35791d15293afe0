package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// account is who is signed in with an account: nobody, somebody, an admin.
type account struct {
	admin bool
	err   error
	left  int
}

func (a *account) entrance() *web.Entrance {
	return &web.Entrance{
		SignIn: "/sign-in",
		Admin:  func(*http.Request) (bool, error) { return a.admin, a.err },
		Leave:  func(http.ResponseWriter, *http.Request) error { a.left++; a.admin = false; return nil },
	}
}

// siteWith is the guestbook with an entrance, and a page with a script beside it.
func siteWith(t *testing.T, a *account) *testSite {
	t.Helper()
	catalogue, err := words.New(web.Words)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{db: dbtest.SQLite(t, "web", web.Migrations()), now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)}
	var handler http.Handler
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	site := web.New(web.Needs{
		DB: s.db, Words: catalogue, Lang: words.French, URL: s.URL + "/", Entrance: a.entrance(),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A"} },
		Now:  func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	})
	files := fstest.MapFS{"book.html": {Data: []byte(bookHTML)}, "pages/key.js": {Data: []byte("'use strict';")}}
	key := web.NewPage[bookPage](site, files, "book.html").Run(web.NewScript(site, files, "pages/key.js"))
	pages := s.book.web(site)
	pages.Routes = append(pages.Routes, web.Route{Pattern: "/key", Handler: key.Form(s.book.read, s.book.sign)})
	handler = site.Handler([]web.Pages{pages})
	return s
}

// The policy is wider on the page that names a script, by the address of that script, and
// nowhere else.
func TestAScriptRunsOnItsPageAlone(t *testing.T) {
	s := siteWith(t, &account{})
	c := s.browser(t)
	page := s.get(t, c, "/key")
	_, rest, _ := strings.Cut(page.text, `<script src="`)
	src, _, _ := strings.Cut(rest, `"`)
	usual := s.get(t, c, "/book").Header.Get("Content-Security-Policy")
	if got := page.Header.Get("Content-Security-Policy"); got != usual+"; script-src "+s.URL+src || src == "" || strings.Contains(usual, "script") {
		t.Errorf("policy %q, usually %q, script %q", got, usual, src)
	}
	script := s.get(t, c, src)
	want(t, script, http.StatusOK, "'use strict';")
	if kind := script.Header.Get("Content-Type"); kind != "text/javascript; charset=utf-8" {
		t.Error(kind)
	}
	// Also when the form is shown again.
	if again := s.post(t, c, "/key", url.Values{}); again.StatusCode != http.StatusBadRequest || !strings.Contains(again.Header.Get("Content-Security-Policy"), src) {
		t.Errorf("%d, %v", again.StatusCode, again.Header)
	}
	for _, path := range []string{"/book", "/nowhere", "/admin/sign-in", "/broken"} {
		if got := s.get(t, c, path); strings.Contains(got.text, "<script") || got.Header.Get("Content-Security-Policy") != usual {
			t.Errorf("%s has a script", path)
		}
	}
}

func TestAdminsEnterWithTheirAccount(t *testing.T) {
	a := &account{}
	s := siteWith(t, a)
	c := s.browser(t)
	want(t, s.get(t, c, "/admin/sign-in"), http.StatusOK, `href="/sign-in?next=%2Fadmin%2F"`, "entrechat admin link")
	if got := s.get(t, c, "/admin/book"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/admin/sign-in" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	if got := s.post(t, c, "/admin/book", url.Values{"name": {"x"}}); got.StatusCode != http.StatusForbidden {
		t.Error(got.StatusCode)
	}
	a.admin = true
	want(t, s.get(t, c, "/admin/book"), http.StatusOK)
	if got := s.post(t, c, "/admin/book", url.Values{"name": {"x"}}, "Sec-Fetch-Site", "cross-site"); got.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", got.StatusCode)
	}
	s.post(t, c, "/admin/sign-out", nil)
	if a.left != 1 {
		t.Error("signing out left the account signed in")
	}
	// The link is a way in of its own.
	s.signIn(t, c)
	want(t, s.get(t, c, "/admin/book"), http.StatusOK)
	a.err = core.Unsure("db.busy", errors.New("busy"))
	want(t, s.get(t, c, "/admin/book"), http.StatusOK)
	if got := s.get(t, s.browser(t), "/admin/book"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("who cannot be told apart is let in: %d", got.StatusCode)
	}
}

// An admin who has to sign in otherwise is told why, where they sign in; a link lets in still.
func TestAnAdminWhoHasToSignInOtherwise(t *testing.T) {
	s := siteWith(t, &account{err: core.Denied("web.bad_link", errors.New("a password alone"))})
	c := s.browser(t)
	if page := s.get(t, c, "/admin/"); page.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %s", page.StatusCode, page.text)
	}
	if page := s.get(t, c, "/admin/sign-in"); page.StatusCode != http.StatusOK || !strings.Contains(page.text, `class="note warn"`) {
		t.Errorf("%d %s", page.StatusCode, page.text)
	}
}
