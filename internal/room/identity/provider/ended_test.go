package provider_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/provider"
)

// A code on its way is worth nothing once the session ended it came from: by this process,
// which drops it, or by another one, as the command line, which cannot.
func TestACodeEndsWithItsSession(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.app("nuage", nil)
		alice := w.add("alice", "alice@chaton-a.test")
		refused := func(b browser, code, verifier string) {
			t.Helper()
			_, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
			var said *oauth2.RetrieveError
			if !errors.As(err, &said) || said.ErrorCode != "invalid_grant" {
				t.Errorf("got %v", err)
			}
		}
		b := w.browser()
		b.signIn(alice, time.Now())
		code, verifier := b.code(a)
		w.logins.mu.Lock()
		var session string
		for who, login := range w.logins.now {
			session = login.Session
			delete(w.logins.now, who)
		}
		w.logins.mu.Unlock()
		refused(b, code, verifier)
		b.signIn(alice, time.Now())
		for name, end := range map[string]func(q db.Querier, p *provider.Provider) error{
			"person": func(q db.Querier, p *provider.Provider) error { return p.EndPerson(t.Context(), q, alice) },
			"client": func(q db.Querier, p *provider.Provider) error { return p.EndAt(t.Context(), q, alice, "nuage") },
		} {
			code, verifier = b.code(a)
			if err := end(d, w.provider); err != nil {
				t.Fatal(name, err)
			}
			refused(b, code, verifier)
		}
		if session == "" {
			t.Error("there was no session")
		}
		// What is left is a whole sign-in.
		code, verifier = b.code(a)
		if _, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
			t.Error(err)
		}
	})
}

// A code whose use could not be written is good still: the service is told to try again.
func TestACodeOutlivesATroubleOfOurs(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.app("nuage", nil)
		b := w.browser()
		b.signIn(w.add("alice", "alice@chaton-a.test"), time.Now())
		code, verifier := b.code(a)
		rename := func(from, to string) {
			t.Helper()
			if _, err := db.Exec(t.Context(), d, `ALTER TABLE `+from+` RENAME TO `+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("identity_oidc_token", "identity_oidc_away")
		if _, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
			t.Fatal("tokens were handed out that are written nowhere")
		}
		rename("identity_oidc_away", "identity_oidc_token")
		if _, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
			t.Error(err)
		}
	})
}
