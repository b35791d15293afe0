package provider_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// signedIn signs somebody in at an app and gives what it got.
func (b browser) signedIn(a app) (*oauth2.Token, *oidc.IDToken) {
	b.w.t.Helper()
	code, verifier := b.code(a)
	tokens, err := a.Exchange(b.w.t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		b.w.t.Fatal(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := a.provider.Verifier(&oidc.Config{ClientID: a.id, SupportedSigningAlgs: []string{"RS256", "ES256"}}).Verify(b.w.t.Context(), raw)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return tokens, id
}

func TestServicesAreToldOfASignOut(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		told := make(chan string, 10)
		var fails atomic.Int64
		service := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if fails.Add(-1) >= 0 {
				rw.WriteHeader(http.StatusInternalServerError)
				return
			}
			if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
				t.Error(r.Method, err)
			}
			told <- r.PostForm.Get("logout_token")
		}))
		t.Cleanup(service.Close)
		a := w.app("nuage", func(c *client.Client) { c.BackLogout = service.URL + "/backchannel" })
		w.app("mute", nil)
		b := w.browser()
		alice := w.add("alice", "")
		b.signIn(alice, time.Now())
		tokens, id := b.signedIn(a)
		fails.Store(1)
		raw, _ := tokens.Extra("id_token").(string)
		_, to := b.get("/oidc/end-session?" + url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {"https://nuage.test/bye"}, "state": {"s"}}.Encode())
		if to.String() != "https://nuage.test/bye?state=s" {
			t.Fatalf("sent to %s", to)
		}
		if status, _ := w.userinfo(tokens.AccessToken); status != http.StatusUnauthorized {
			t.Errorf("a token of a session that ended: %d", status)
		}
		for range 2 { // the first try fails
			if err := w.provider.DeliverLogouts(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(told) == 0 {
				w.ahead += 10 * time.Second
			}
		}
		var said struct {
			SID    string         `json:"sid"`
			JTI    string         `json:"jti"`
			Events map[string]any `json:"events"`
			Nonce  *string        `json:"nonce"`
		}
		token, err := a.provider.Verifier(&oidc.Config{ClientID: "nuage"}).Verify(t.Context(), <-told)
		if err != nil {
			t.Fatal(err)
		}
		var before struct {
			SID string `json:"sid"`
		}
		if err := id.Claims(&before); err != nil {
			t.Fatal(err)
		}
		if err := token.Claims(&said); err != nil || token.Subject != string(alice) || said.SID != before.SID || said.SID == "" || said.JTI == "" || said.Nonce != nil || len(said.Events) != 1 {
			t.Errorf("%+v %+v %v", token, said, err)
		}
		if err := w.provider.DeliverLogouts(t.Context()); err != nil || len(told) != 0 {
			t.Errorf("told again: %v", err)
		}
	})
}

func TestATokenOutlivesNoPerson(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.app("courriel", nil)
		a.Scopes = append(a.Scopes, "offline_access")
		b := w.browser()
		alice := w.add("alice", "")
		b.signIn(alice, time.Now())
		tokens, _ := b.signedIn(a)
		if tokens.RefreshToken == "" {
			t.Fatal("no refresh token for offline_access")
		}
		tx := func(f func(ctx context.Context, q db.Querier) error) {
			t.Helper()
			if err := d.Tx(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		tx(func(ctx context.Context, q db.Querier) error { return w.provider.Ended(ctx, q, "other") })
		w.people.mu.Lock()
		delete(w.people.known, alice) // suspended
		w.people.mu.Unlock()
		if status, _ := w.userinfo(tokens.AccessToken); status != http.StatusUnauthorized {
			t.Errorf("somebody who may not sign in: %d", status)
		}
		w.people.known[alice] = provider.Account{Handle: "alice"}
		if status, _ := w.userinfo(tokens.AccessToken); status != http.StatusOK {
			t.Errorf("allowed again: %d", status)
		}
		tx(func(ctx context.Context, q db.Querier) error { return w.provider.EndPerson(ctx, q, alice) })
		answer, out := w.post("/oidc/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}}, a.ClientID, a.ClientSecret)
		if status, _ := w.userinfo(tokens.AccessToken); status != http.StatusUnauthorized || out["error"] != "invalid_grant" {
			t.Errorf("signed out everywhere: %d, %d %v", status, answer.StatusCode, out)
		}
	})
}

func TestEndSessionAsks(t *testing.T) {
	w := sqlite(t)
	w.app("nuage", nil)
	other := w.app("blog", nil)
	b := w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	tokens, _ := b.signedIn(other)
	raw, _ := tokens.Extra("id_token").(string)
	for query, want := range map[string]string{
		"": "/sign-out/service", "client_id=nuage": "/sign-out/service", "client_id=nuage&post_logout_redirect_uri=" + url.QueryEscape("https://nuage.test/bye"): "/sign-out/service",
		"client_id=nuage&post_logout_redirect_uri=" + url.QueryEscape("https://evil.test/"): "", "post_logout_redirect_uri=" + url.QueryEscape("https://nuage.test/bye"): "",
		"client_id=nuage&id_token_hint=" + raw: "", "id_token_hint=x": "", "client_id=nobody": "", "client_id=nuage&client_id=blog": "",
	} {
		answer, to := b.get("/oidc/end-session?" + query)
		if to.Path != want || (want == "" && answer.StatusCode < 400) {
			t.Errorf("%q: %d, %s", query, answer.StatusCode, to)
		}
	}
	if _, to := b.get(other.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))); to.Query().Get("code") == "" {
		t.Error("somebody was signed out without being asked")
	}
}
