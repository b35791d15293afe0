package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
)

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func TestRefreshTokensRotate(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.app("courriel", nil)
		a.Scopes = append(a.Scopes, "offline_access")
		b := w.browser()
		b.signIn(w.add("alice", ""), time.Now())
		first, _ := b.signedIn(a)
		_, second := w.post("/oidc/token", refresh(first.RefreshToken), a.ClientID, a.ClientSecret)
		next, _ := second["refresh_token"].(string)
		access, _ := second["access_token"].(string)
		if next == "" || next == first.RefreshToken || second["id_token"] == nil {
			t.Fatalf("%v", second)
		}
		// Eight at once: one of them gets new ones, and then none holds.
		var good atomic.Int64
		var crew sync.WaitGroup
		for range 8 {
			crew.Go(func() {
				if answer, out := w.post("/oidc/token", refresh(next), a.ClientID, a.ClientSecret); answer.StatusCode == http.StatusOK {
					good.Add(1)
				} else if out["error"] != "invalid_grant" {
					t.Errorf("%v", out)
				}
			})
		}
		crew.Wait()
		if good.Load() != 1 {
			t.Errorf("one refresh token was taken %d times", good.Load())
		}
		if status, _ := w.userinfo(access); status != http.StatusUnauthorized {
			t.Errorf("the grant of a refresh token that came twice still holds: %d", status)
		}
	})
}

func TestAUsedRefreshTokenIsTakenAgainWhereATemplateSaysSo(t *testing.T) {
	w := sqlite(t)
	a := w.app("courriel", func(c *client.Client) { c.Grace = 60 })
	a.Scopes = append(a.Scopes, "offline_access")
	b := w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	first, _ := b.signedIn(a)
	for range 2 {
		if answer, out := w.post("/oidc/token", refresh(first.RefreshToken), a.ClientID, a.ClientSecret); answer.StatusCode != http.StatusOK {
			t.Fatalf("%v", out)
		}
	}
	w.ahead = 2 * time.Minute
	if _, out := w.post("/oidc/token", refresh(first.RefreshToken), a.ClientID, a.ClientSecret); out["error"] != "invalid_grant" {
		t.Errorf("%v", out)
	}
}

func TestTheTokenEndpointRefuses(t *testing.T) {
	w := sqlite(t)
	a, other := w.app("nuage", nil), w.app("blog", nil)
	b := w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	good := func() url.Values {
		code, verifier := b.code(a)
		return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.RedirectURL}, "code_verifier": {verifier}}
	}
	for what, try := range map[string]func() (*http.Response, map[string]any){
		"invalid_client wrong secret": func() (*http.Response, map[string]any) { return w.post("/oidc/token", good(), "nuage", "wrong") },
		"invalid_client no secret":    func() (*http.Response, map[string]any) { return w.post("/oidc/token", good(), "", "") },
		"invalid_client nobody":       func() (*http.Response, map[string]any) { return w.post("/oidc/token", good(), "nobody", "x") },
		"invalid_grant other client": func() (*http.Response, map[string]any) {
			return w.post("/oidc/token", good(), other.ClientID, other.ClientSecret)
		},
		"invalid_grant other verifier": func() (*http.Response, map[string]any) {
			v := good()
			v.Set("code_verifier", oauth2.GenerateVerifier())
			return w.post("/oidc/token", v, a.ClientID, a.ClientSecret)
		},
		"invalid_grant no verifier": func() (*http.Response, map[string]any) {
			v := good()
			v.Del("code_verifier")
			return w.post("/oidc/token", v, a.ClientID, a.ClientSecret)
		},
		"invalid_grant other address": func() (*http.Response, map[string]any) {
			v := good()
			v.Set("redirect_uri", "https://nuage.test/other")
			return w.post("/oidc/token", v, a.ClientID, a.ClientSecret)
		},
		"invalid_grant made up": func() (*http.Response, map[string]any) {
			v := good()
			v.Set("code", "x")
			return w.post("/oidc/token", v, a.ClientID, a.ClientSecret)
		},
		"unsupported_grant_type password": func() (*http.Response, map[string]any) {
			return w.post("/oidc/token", url.Values{"grant_type": {"password"}, "username": {"a"}, "password": {"b"}}, a.ClientID, a.ClientSecret)
		},
		"invalid_request twice": func() (*http.Response, map[string]any) {
			v := good()
			v.Add("code", "x")
			return w.post("/oidc/token", v, a.ClientID, a.ClientSecret)
		},
		"invalid_request two ways": func() (*http.Response, map[string]any) {
			v := good()
			v.Set("client_secret", a.ClientSecret)
			return w.post("/oidc/token", v, a.ClientID, a.ClientSecret)
		},
	} {
		answer, out := try()
		if want, _, _ := strings.Cut(what, " "); out["error"] != want || answer.StatusCode < 400 || !strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: %d %v", what, answer.StatusCode, out)
		}
		if (answer.StatusCode == http.StatusUnauthorized) != (answer.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d without a challenge, or one too many", what, answer.StatusCode)
		}
	}
	v := good()
	v.Set("client_id", a.ClientID)
	v.Set("client_secret", a.ClientSecret)
	if answer, out := w.post("/oidc/token", v, "", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("client_secret_post: %v", out)
	}
	w.ahead = 2 * time.Minute
	if status, h := w.userinfo(""); status != http.StatusUnauthorized || h.Get("WWW-Authenticate") != `Bearer realm="entrechat"` {
		t.Errorf("%d %v", status, h)
	}
	if status, h := w.userinfo("x"); status != http.StatusUnauthorized || !strings.Contains(h.Get("WWW-Authenticate"), `error="invalid_token"`) {
		t.Errorf("%d %v", status, h)
	}
}

func TestIntrospectionAndRevocation(t *testing.T) {
	w := sqlite(t)
	webmail := w.app("webmail", nil)
	imap := w.app("imap", func(c *client.Client) { c.Reads = []string{"webmail"} })
	other := w.app("blog", nil)
	b := w.browser()
	b.signIn(w.add("alice", "alice@chaton-a.test"), time.Now())
	tokens, _ := b.signedIn(webmail)
	ask := func(a app, token string) map[string]any {
		t.Helper()
		answer, out := w.post("/oidc/introspect", url.Values{"token": {token}}, a.ClientID, a.ClientSecret)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%d %v", answer.StatusCode, out)
		}
		return out
	}
	if out := ask(imap, tokens.AccessToken); out["active"] != true || out["username"] != "alice" || out["email"] != "alice@chaton-a.test" || out["client_id"] != "webmail" {
		t.Errorf("%v", out)
	}
	strangers, _ := b.signedIn(other)
	for what, out := range map[string]map[string]any{
		"somebody else's token": ask(other, tokens.AccessToken), "a token of a service it does not read": ask(imap, strangers.AccessToken), "made up": ask(imap, "x"), "a JWT": ask(imap, "a.b.c"),
	} {
		if len(out) != 1 || out["active"] != false {
			t.Errorf("%s: %v", what, out)
		}
	}
	if answer, out := w.post("/oidc/introspect", url.Values{"token": {tokens.AccessToken}}, "", ""); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("anybody may ask: %v", out)
	}
	if answer, _ := w.post("/oidc/revoke", url.Values{"token": {tokens.AccessToken}}, other.ClientID, other.ClientSecret); ask(imap, tokens.AccessToken)["active"] != true {
		t.Errorf("another client revoked it: %d", answer.StatusCode)
	}
	for range 2 {
		if answer, _ := w.post("/oidc/revoke", url.Values{"token": {tokens.AccessToken}}, webmail.ClientID, webmail.ClientSecret); answer.StatusCode != http.StatusOK {
			t.Errorf("%d", answer.StatusCode)
		}
	}
	if out := ask(imap, tokens.AccessToken); out["active"] != false {
		t.Errorf("revoked: %v", out)
	}
}
