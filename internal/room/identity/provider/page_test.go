package provider_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/provider"
)

// withPages gives a world the site that its pages stand in.
func withPages(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	cat, err := words.New(web.Words, client.Words, provider.Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: "fr", URL: w.server.URL, Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	pages := site.Handler([]web.Pages{w.provider.Pages(site)})
	w.mux.Handle("/", pages)
	return w
}

func TestFormPost(t *testing.T) {
	w := withPages(t)
	a, b := w.app("video", nil), w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	verifier := oauth2.GenerateVerifier()
	answer, err := b.Get(a.AuthCodeURL(`"><script>alert(1)</script>`, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("response_mode", "form_post")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	page := string(text)
	policy := answer.Header.Get("Content-Security-Policy")
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(page, `action="https://video.test/cb"`) || !strings.Contains(page, `name="code"`) || !strings.Contains(page, `name="iss"`) {
		t.Fatalf("%d %v\n%s", answer.StatusCode, err, page)
	}
	if strings.Contains(page, "<script") || !strings.Contains(policy, "form-action https://video.test;") || strings.Contains(policy, "script-src") || !strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("%s\n%s", policy, page)
	}
	_, code, _ := strings.Cut(page, `name="code" value="`)
	code, _, _ = strings.Cut(code, `"`)
	if _, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Error(err)
	}
	answer, err = b.Get(a.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("response_mode", "form_post"), oauth2.SetAuthURLParam("prompt", "none"), oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("code_challenge_method", "plain")))
	if err != nil {
		t.Fatal(err)
	}
	text, _ = io.ReadAll(answer.Body)
	answer.Body.Close()
	if !strings.Contains(string(text), `name="error"`) {
		t.Errorf("an error goes as a form too: %s", text)
	}
}

func TestThePageThatSignsOut(t *testing.T) {
	w := withPages(t)
	a, b := w.app("nuage", nil), w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	b.signedIn(a)
	back := url.Values{"client_id": {"nuage"}, "post_logout_redirect_uri": {"https://nuage.test/bye"}, "state": {"s"}}
	_, to := b.get("/oidc/end-session?" + back.Encode())
	read := func(answer *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if page := read(b.Get(w.server.URL + to.String())); !strings.Contains(page, "nuage") || !strings.Contains(page, "<button>") {
		t.Fatalf("%s", page)
	}
	page := read(b.PostForm(w.server.URL+to.Path, back))
	if !strings.Contains(page, `url=https://nuage.test/bye?state=s`) {
		t.Errorf("%s", page)
	}
	if _, to := b.get(a.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))); to.Path != provider.PathSignIn {
		t.Errorf("still signed in: %s", to)
	}
	evil := url.Values{"client_id": {"nuage"}, "post_logout_redirect_uri": {"https://evil.test/"}}
	if page := read(b.PostForm(w.server.URL+to.Path, evil)); strings.Contains(page, "evil.test") {
		t.Errorf("%s", page)
	}
	if answer, err := b.Get(w.server.URL + "/oidc/authorize?client_id=nobody"); err != nil || answer.StatusCode != http.StatusNotFound || !strings.Contains(answer.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%v", err)
	}
}
