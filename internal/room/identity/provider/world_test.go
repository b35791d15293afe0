package provider_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
)

// world is a provider on loopback, with the pages of sign-in played by the test: whoever is
// put into logins is signed in.
type world struct {
	t        testing.TB
	db       *db.DB
	server   *httptest.Server
	mux      *http.ServeMux
	provider *provider.Provider
	clients  *client.Service
	people   *people
	logins   *logins
	members  *members
	ahead    time.Duration
}

type logins struct {
	w   *world
	mu  sync.Mutex
	now map[string]provider.Login // by the value of the cookie "who"
}

func (l *logins) Person(r *http.Request) (provider.Login, bool, error) {
	c, err := r.Cookie("who")
	if err != nil {
		return provider.Login{}, false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	login, ok := l.now[c.Value]
	return login, ok, nil
}

func (l *logins) Lives(_ context.Context, _ db.Querier, session string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, login := range l.now {
		if login.Session == session {
			return true, nil
		}
	}
	return false, nil
}

func (l *logins) End(_ http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie("who"); err == nil {
		l.mu.Lock()
		session := l.now[c.Value].Session
		delete(l.now, c.Value)
		l.mu.Unlock()
		return l.w.db.Tx(r.Context(), func(ctx context.Context, q db.Querier) error { return l.w.provider.Ended(ctx, q, session) })
	}
	return nil
}

type people struct {
	mu      sync.Mutex
	known   map[person.ID]provider.Account
	refused map[string]bool // person + " " + client
}

func (p *people) Account(_ context.Context, id person.ID, _ string) (provider.Account, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.known[id]
	return a, ok, nil
}

func (p *people) May(_ context.Context, id person.ID, clientID string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.refused[string(id)+" "+clientID], nil
}

type members struct {
	known  map[string]client.Client
	agreed bool
}

func (m *members) Member(_ context.Context, issuer string) (client.Client, error) {
	c, ok := m.known[issuer]
	if !ok {
		return c, core.NotFound("identity.client.unknown", nil)
	}
	return c, nil
}

func (m *members) Consent(context.Context, string, person.ID, []string) (bool, error) {
	return m.agreed, nil
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{
		t: t, db: d, people: &people{known: map[person.ID]provider.Account{}, refused: map[string]bool{}}, logins: &logins{now: map[string]provider.Login{}},
		members: &members{known: map[string]client.Client{}, agreed: true},
	}
	w.logins.w = w
	mux := http.NewServeMux()
	w.mux = mux
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	now := func() time.Time { return time.Now().Add(w.ahead) }
	keys, err := key.Open(filepath.Join(t.TempDir(), "identity.keys"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.clients = client.New(client.Needs{DB: d, Issuer: w.server.URL, Now: now})
	w.provider, err = provider.New(provider.Needs{
		DB: d, Issuer: w.server.URL, Keys: keys, Browser: w.logins, People: w.people, Members: w.members, Private: true, Now: now,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.provider.Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	return w
}

func sqlite(t testing.TB) *world { return newWorld(t, dbtest.SQLite(t, "identity", migrations.Files)) }

// add makes somebody known.
func (w *world) add(handle, mail string) person.ID {
	id := person.NewID()
	w.people.mu.Lock()
	defer w.people.mu.Unlock()
	w.people.known[id] = provider.Account{Handle: handle, Name: strings.ToUpper(handle), Lang: "fr", Mail: mail, Groups: []string{"compta"}}
	return id
}

// app is a service of ours as a relying party, by coreos/go-oidc and x/oauth2.
type app struct {
	oauth2.Config

	id       string
	provider *oidc.Provider
}

func (w *world) app(id string, alter func(*client.Client)) app {
	w.t.Helper()
	c := client.Client{ID: id, Template: "generic", URL: "https://" + id + ".test", Settings: client.Settings{
		Redirects: []string{"https://" + id + ".test/cb", "https://" + id + ".test/other"}, PostLogout: []string{"https://" + id + ".test/bye"}, Alg: "RS256", PKCE: true,
	}}
	if alter != nil {
		alter(&c)
	}
	_, secret, err := w.clients.Add(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	discovered, err := oidc.NewProvider(w.t.Context(), w.server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	return app{Config: oauth2.Config{
		ClientID: id, ClientSecret: secret, Endpoint: discovered.Endpoint(), RedirectURL: c.Redirects[0], Scopes: []string{"openid", "profile", "email"},
	}, id: id, provider: discovered}
}

// browser follows redirects inside the provider, and stops at the client.
type browser struct {
	*http.Client

	w *world
}

func (w *world) browser() browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	stop := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return browser{&http.Client{Jar: jar, CheckRedirect: stop}, w}
}

// signIn signs somebody in here.
func (b browser) signIn(id person.ID, at time.Time) {
	who := string(person.NewID())
	b.w.logins.mu.Lock()
	b.w.logins.now[who] = provider.Login{Person: id, At: core.At(at), AMR: []string{"pwd"}, Session: "session-" + who}
	b.w.logins.mu.Unlock()
	u, _ := url.Parse(b.w.server.URL)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "who", Value: who, Path: "/"}})
}

// get asks for an address and says where it leads.
func (b browser) get(address string) (*http.Response, *url.URL) {
	b.w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.w.server.URL + address
	}
	answer, err := b.Get(address)
	if err != nil {
		b.w.t.Fatal(err)
	}
	answer.Body.Close()
	to, _ := url.Parse(answer.Header.Get("Location"))
	return answer, to
}

// code signs in at an app and gives the code it got.
func (b browser) code(a app, more ...oauth2.AuthCodeOption) (code, verifier string) {
	b.w.t.Helper()
	verifier = oauth2.GenerateVerifier()
	more = append(more, oauth2.S256ChallengeOption(verifier))
	answer, to := b.get(a.AuthCodeURL("state-1", more...))
	if answer.StatusCode != http.StatusSeeOther || to.Query().Get("code") == "" || to.Query().Get("state") != "state-1" || to.Query().Get("iss") != b.w.server.URL {
		b.w.t.Fatalf("%d to %s", answer.StatusCode, to)
	}
	return to.Query().Get("code"), verifier
}

// post sends a form and reads the answer.
func (w *world) post(path string, form url.Values, user, secret string) (*http.Response, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		r.SetBasicAuth(user, secret)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	var out map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&out)
	return answer, out
}
