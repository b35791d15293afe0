package provider_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/provider"
)

func TestSignIn(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				alice := w.add("alice", "alice@chaton-a.test")
				a := w.app("nuage", func(c *client.Client) { c.Alg = alg })
				b := w.browser()
				// Nobody is signed in: the person is sent to our page, and goes on from there.
				verifier := oauth2.GenerateVerifier()
				_, to := b.get(a.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-1"), oauth2.SetAuthURLParam("login_hint", "alice")))
				if to.Path != provider.PathSignIn {
					t.Fatalf("sent to %s", to)
				}
				flow := to.Query().Get("flow")
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/sign-in", nil)
				for _, c := range b.Jar.Cookies(r.URL) {
					r.AddCookie(c)
				}
				if f, err := w.provider.Flow(r, flow); err != nil || f.Client.ID != "nuage" || f.Hint != "alice" || f.Anew {
					t.Fatalf("%+v, %v", f, err)
				}
				b.signIn(alice, time.Now())
				_, to = b.get(provider.Next(flow))
				code := to.Query().Get("code")
				if code == "" || to.Host != "nuage.test" {
					t.Fatalf("sent to %s", to)
				}
				tokens, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
				if err != nil {
					t.Fatal(err)
				}
				raw, _ := tokens.Extra("id_token").(string)
				id, err := a.provider.Verifier(&oidc.Config{ClientID: "nuage", SupportedSigningAlgs: []string{alg}}).Verify(t.Context(), raw)
				if err != nil {
					t.Fatal(err)
				}
				var said struct {
					Username string   `json:"preferred_username"`
					Mail     string   `json:"email"`
					Verified bool     `json:"email_verified"`
					Groups   []string `json:"groups"`
					SID      string   `json:"sid"`
					ACR      string   `json:"acr"`
				}
				if err := id.Claims(&said); err != nil || id.Nonce != "n-1" || id.Subject != string(alice) || said.Username != "alice" || said.Mail != "alice@chaton-a.test" ||
					!said.Verified || said.SID == "" || said.ACR == "" || len(said.Groups) != 1 {
					t.Errorf("%+v %+v, %v", id, said, err)
				}
				info, err := a.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(tokens))
				if err != nil || info.Subject != string(alice) || info.Email != "alice@chaton-a.test" || !info.EmailVerified {
					t.Errorf("%+v, %v", info, err)
				}
				if tokens.RefreshToken != "" {
					t.Error("a refresh token that nobody asked for")
				}
				if _, to = b.get(provider.Next(flow)); to.Query().Get("code") != "" {
					t.Error("one flow, two codes")
				}
			})
		})
	}
}

func TestACodeIsUsedOnce(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a, b := w.app("nuage", nil), w.browser()
		b.signIn(w.add("alice", ""), time.Now())
		for range 5 {
			code, verifier := b.code(a)
			var crew sync.WaitGroup
			var good atomic.Int64
			var token atomic.Value
			for range 8 {
				crew.Go(func() {
					answer, out := w.post("/oidc/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.RedirectURL}, "code_verifier": {verifier}}, a.ClientID, a.ClientSecret)
					switch {
					case answer.StatusCode == http.StatusOK:
						good.Add(1)
						token.Store(out["access_token"])
					case out["error"] != "invalid_grant":
						t.Errorf("%d %v", answer.StatusCode, out)
					}
				})
			}
			crew.Wait()
			if good.Load() != 1 {
				t.Fatalf("one code was taken %d times", good.Load())
			}
			value, _ := token.Load().(string)
			if status, _ := w.userinfo(value); status != http.StatusUnauthorized {
				t.Errorf("the tokens of a code that came twice still hold: %d", status)
			}
		}
	})
}

func (w *world) userinfo(token string) (int, http.Header) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.server.URL+"/oidc/userinfo", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// Whoever begins a sign-in, and has somebody else end it, gets nothing.
func TestAFlowStaysInItsBrowser(t *testing.T) {
	w := sqlite(t)
	a, hers := w.app("nuage", nil), w.browser()
	attacker := w.browser()
	_, to := attacker.get(a.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	flow := to.Query().Get("flow")
	hers.signIn(w.add("alice", ""), time.Now())
	hers.get(a.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))) // her browser has a cookie of its own
	answer, to := hers.get(provider.Next(flow))
	if answer.StatusCode != http.StatusForbidden || to.String() != "" {
		t.Errorf("her browser goes on with a flow of another: %d, %s", answer.StatusCode, to)
	}
	if _, to = attacker.get(provider.Next(flow)); to.Path != provider.PathSignIn {
		t.Errorf("the attacker's browser gets %s", to)
	}
	if answer, _ = w.browser().get(provider.Next(flow)); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a browser without a cookie: %d", answer.StatusCode)
	}
}

func TestWhatIsAskedOfTheSignIn(t *testing.T) {
	w := sqlite(t)
	a := w.app("nuage", nil)
	alice := w.add("alice", "")
	ask := func(b browser, extra ...string) *url.URL {
		v := oauth2.GenerateVerifier()
		options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(v)}
		for i := 0; i+1 < len(extra); i += 2 {
			options = append(options, oauth2.SetAuthURLParam(extra[i], extra[i+1]))
		}
		_, to := b.get(a.AuthCodeURL("s", options...))
		return to
	}
	b := w.browser()
	if to := ask(b, "prompt", "none"); to.Query().Get("error") != "login_required" {
		t.Errorf("prompt=none, nobody in: %s", to)
	}
	b.signIn(alice, time.Now().Add(-10*time.Minute))
	if to := ask(b, "prompt", "none"); to.Query().Get("code") == "" {
		t.Errorf("prompt=none, somebody in: %s", to)
	}
	if to := ask(b, "max_age", "60"); to.Path != provider.PathSignIn {
		t.Errorf("max_age passed: %s", to)
	}
	if to := ask(b, "max_age", "60", "prompt", "none"); to.Query().Get("error") != "login_required" {
		t.Errorf("max_age passed, prompt=none: %s", to)
	}
	if to := ask(b, "max_age", "3600"); to.Query().Get("code") == "" {
		t.Errorf("max_age kept: %s", to)
	}
	for _, prompt := range []string{"login", "select_account", "login consent"} {
		to := ask(b, "prompt", prompt)
		if to.Path != provider.PathSignIn {
			t.Fatalf("prompt=%s: %s", prompt, to)
		}
		flow := to.Query().Get("flow")
		if _, to = b.get(provider.Next(flow)); to.Path != provider.PathSignIn {
			t.Errorf("prompt=%s went on without a new sign-in: %s", prompt, to)
		}
		fresh := w.browser()
		fresh.Jar = b.Jar
		fresh.signIn(alice, time.Now())
		if _, to = b.get(provider.Next(flow)); to.Query().Get("code") == "" {
			t.Errorf("prompt=%s with a new sign-in: %s", prompt, to)
		}
		b.signIn(alice, time.Now().Add(-10*time.Minute))
	}
	to := ask(b, "max_age", "0")
	flow := to.Query().Get("flow")
	b.signIn(alice, time.Now())
	if _, to = b.get(provider.Next(flow)); to.Query().Get("code") == "" {
		t.Errorf("max_age=0 never ends: %s", to)
	}
	w.people.refused[string(alice)+" nuage"] = true
	if to := ask(b); to.Query().Get("error") != "access_denied" {
		t.Errorf("who may not go there: %s", to)
	}
	out := w.browser()
	to = ask(out)
	if _, to = out.get(provider.Cancel(to.Query().Get("flow"))); to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "s" {
		t.Errorf("cancelled: %s", to)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w := sqlite(t)
	w.app("nuage", nil)
	b := w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	challenge := oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())
	base := url.Values{"client_id": {"nuage"}, "redirect_uri": {"https://nuage.test/cb"}, "response_type": {"code"}, "scope": {"openid"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}, "state": {"s"}}
	with := func(name string, values ...string) string {
		v := url.Values{}
		maps.Copy(v, base)
		if v[name] = values; len(values) == 0 {
			delete(v, name)
		}
		return "/oidc/authorize?" + v.Encode()
	}
	for _, bad := range []string{"https://nuage.test/cb/", "https://nuage.test/cb?x=1", "https://nuage.test/cb#", "https://nuage.test/cb%2f..", "https://nuage.test/CB", "http://nuage.test/cb", "https://nuage.test:443/cb", "https://evil.test/cb", "https://nuage.test@evil.test/cb", "https://nuage.test/cb/../other", "HTTPS://nuage.test/cb", "//nuage.test/cb", "", "javascript:alert(1)"} {
		if answer, to := b.get(with("redirect_uri", bad)); answer.StatusCode != http.StatusBadRequest || to.String() != "" {
			t.Errorf("%q: %d, %s", bad, answer.StatusCode, to)
		}
	}
	for what, address := range map[string]string{
		"unknown client": with("client_id", "other"), "no client": with("client_id"), "a parameter twice": with("state", "a", "b"), "too long": with("state", strings.Repeat("x", 9000)),
		"a member we do not know": with("client_id", "https://evil.test"),
	} {
		if answer, to := b.get(address); answer.StatusCode < 400 || to.String() != "" {
			t.Errorf("%s: %d, %s", what, answer.StatusCode, to)
		}
	}
	for what, address := range map[string]string{
		"no PKCE": with("code_challenge"), "plain": with("code_challenge_method", "plain"), "no method": with("code_challenge_method"), "token": with("response_type", "token"), "id_token": with("response_type", "id_token"),
		"no openid": with("scope", "profile"), "unknown mode": with("response_mode", "web_message"), "short challenge": with("code_challenge", "x"), "unsigned request": with("request", "eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJudWFnZSJ9."),
		"request_uri": with("request_uri", w.server.URL+"/x"),
	} {
		if answer, to := b.get(address); to.Query().Get("code") != "" || (answer.StatusCode < 400 && (!strings.Contains(to.RawQuery+to.Fragment, "error=") || to.Host != "nuage.test")) {
			t.Errorf("%s: %d, %s", what, answer.StatusCode, to)
		}
	}
	if _, to := b.get(with("scope", "openid roles unheard-of")); to.Query().Get("code") == "" {
		t.Errorf("scopes we do not know are passed over: %s", to)
	}
	answer, err := b.PostForm(w.server.URL+"/oidc/authorize", base)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if _, to := b.get(answer.Header.Get("Location")); to.Query().Get("code") == "" {
		t.Errorf("a form from another site: %s", to)
	}
}
