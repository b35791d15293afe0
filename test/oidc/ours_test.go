package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity"
	ours "entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// hoster is our provider with its own pages of sign-in, on loopback. Only what a password is
// compared with is played, so that this measures no hash.
type hoster struct {
	t        testing.TB
	at       target
	people   *person.Service
	clients  *ours.Service
	sessions *session.Sessions
	provider *provider.Provider
	site     http.Handler
	mux      *http.ServeMux
	db       *db.DB
	known    map[person.ID]string
}

func newHoster(t testing.TB) *hoster {
	t.Helper()
	d := dbtest.SQLite(t, "identity", migrations.Files)
	h := &hoster{t: t, db: d, mux: http.NewServeMux(), known: map[person.ID]string{}}
	server := httptest.NewServer(h.mux)
	t.Cleanup(server.Close)
	h.at.Issuer = server.URL
	h.open(d)
	for _, r := range h.provider.Routes() {
		h.mux.Handle(r.Pattern, r.Handler)
	}
	h.mux.Handle("/", h.site)
	h.fill()
	return h
}

// open wires the provider with the pages that sign people in.
func (h *hoster) open(d *db.DB) {
	h.t.Helper()
	log := slog.New(slog.DiscardHandler)
	h.people = &person.Service{DB: d, Now: time.Now}
	h.clients = ours.New(ours.Needs{DB: d, Issuer: h.at.Issuer, Now: time.Now})
	keys, err := key.Open(filepath.Join(h.t.TempDir(), "identity.keys"), time.Now)
	h.must(err)
	h.sessions = session.New(session.Needs{DB: d, URL: h.at.Issuer, Now: time.Now, Ended: func(ctx context.Context, q db.Querier, ended []session.Session) error {
		var errs []error
		for _, s := range ended {
			errs = append(errs, h.provider.Ended(ctx, q, s.ID))
		}
		return errors.Join(errs...)
	}})
	h.provider, err = provider.New(provider.Needs{DB: d, Issuer: h.at.Issuer, Keys: keys, Browser: seat{h.sessions}, People: seats{h.people}, Private: true, Now: time.Now, Log: log})
	h.must(err)
	pages := signin.New(signin.Needs{DB: d, URL: h.at.Issuer, People: h.people, Passwords: known{h: h}, Passkeys: known{h: h}, Seconds: h, Sessions: h.sessions, Brake: h, Flow: h.flow, Now: time.Now, Log: log})
	catalogue, err := words.New(append(identity.AllWords(), web.Words)...)
	h.must(err)
	site := web.New(web.Needs{
		DB: dbtest.SQLite(h.t, "web", web.Migrations()), Words: catalogue, Lang: words.French, URL: h.at.Issuer, Now: time.Now, Log: log,
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	h.site = site.Handler([]web.Pages{pages.Pages(site), h.provider.Pages(site)})
}

// fill adds the people and the clients of a target.
func (h *hoster) fill() {
	h.t.Helper()
	for i, handle := range []string{"alice", "bob"} {
		h.add(handle, "secret-of-"+handle)
		h.at.People[i] = somebody{handle, "secret-of-" + handle}
	}
	ports, err := lab.ReservePorts(1)
	h.must(err)
	h.t.Cleanup(func() { ports.Close() })
	h.at.Listen = ports.Addresses[0]
	h.at.A, h.at.B, h.at.C = h.client("app-a", true), h.client("app-b", true), h.client("app-c", false)
	h.at.A.Basic = true
}

func (h *hoster) add(handle, password string) person.ID {
	h.t.Helper()
	p, err := h.people.Create(h.t.Context(), person.New{Handle: handle, Mail: handle + "@chaton-a.test"})
	h.must(err)
	h.known[p.ID] = password
	return p.ID
}

func (h *hoster) client(id string, pkce bool) client {
	h.t.Helper()
	at := "https://" + id + ".test"
	c := ours.Client{ID: id, Template: "generic", URL: at, Settings: ours.Settings{Redirects: []string{at + "/cb", at + "/other"}, PostLogout: []string{at + "/bye"}, Alg: key.RS256, PKCE: pkce}}
	if id == "app-a" {
		c.BackLogout = "http://" + h.at.Listen + "/told"
	}
	_, secret, err := h.clients.Add(h.t.Context(), c)
	h.must(err)
	return client{ID: id, Secret: secret, Redirects: [2]string{at + "/cb", at + "/other"}, PostLogout: at + "/bye"}
}

func (h *hoster) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hoster) flow(r *http.Request, id string) (signin.Flow, bool, error) {
	f, err := h.provider.Flow(r, id)
	if core.CodeOf(err) == core.CodeNotFound || core.CodeOf(err) == core.CodeDenied {
		return signin.Flow{}, false, nil
	}
	return signin.Flow{App: f.Client.Called(), Hint: f.Hint}, err == nil, err
}

// known are a hoster's passwords; there are no passkeys. What it embeds is asked for nowhere
// here.
type known struct {
	signin.Passwords
	signin.Passkeys
	h *hoster
}

func (k known) CheckPassword(_ context.Context, who person.ID, password string) (bool, error) {
	return who != "" && k.h.known[who] == password, nil
}

func (known) CheckNewcomer(context.Context, string, string) (person.ID, bool, error) {
	return "", false, nil
}
func (known) HavePasskeys() bool                                           { return false }
func (*hoster) HasSecond(context.Context, person.ID) (bool, error)         { return false, nil }
func (*hoster) CheckTOTP(context.Context, person.ID, string) (bool, error) { return false, nil }
func (*hoster) UseRecovery(context.Context, person.ID, string, ...credential.Also) (bool, error) {
	return false, nil
}
func (*hoster) Remember(http.ResponseWriter, *http.Request, ...string) {}
func (*hoster) Try(*http.Request, string) (func(bool), error)          { return func(bool) {}, nil }

func (*hoster) TryOf(*http.Request, string, string) (func(bool), bool, error) {
	return func(bool) {}, false, nil
}

// seat says who is signed in in a browser.
type seat struct{ *session.Sessions }

func (s seat) Person(r *http.Request) (provider.Login, bool, error) {
	found, ok, err := s.Find(r)
	return provider.Login{Person: found.Person, At: found.Auth, AMR: found.AMR, Session: found.ID}, ok, err
}

func (s seat) End(w http.ResponseWriter, r *http.Request) error { return s.Leave(w, r) }

// seats says who people are.
type seats struct{ *person.Service }

func (s seats) Account(ctx context.Context, id person.ID, _ string) (provider.Account, bool, error) {
	p, err := s.Get(ctx, id)
	if err != nil || p.Status != person.Active {
		return provider.Account{}, false, err
	}
	return provider.Account{Handle: p.Handle, Name: p.Called(), Lang: p.Lang, Mail: p.Mail}, true, nil
}

func (seats) May(context.Context, person.ID, string) (bool, error) { return true, nil }

func TestOurs(t *testing.T) {
	h := newHoster(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, job := range h.provider.Jobs() {
		if job.Name == "identity-logout" {
			go func() {
				for ctx.Err() == nil {
					_ = job.Run(ctx)
					select {
					case <-ctx.Done():
					case <-time.After(200 * time.Millisecond):
					}
				}
			}()
		}
	}
	newBattery(t, h.at).hold(t)
}
