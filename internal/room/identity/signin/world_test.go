package signin_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
	"entrechat/internal/room/identity/throttle/captcha"
)

// world is a node where people sign in, and a clock that the test turns.
type world struct {
	closes error // what who wants a new account is told; nil = they get it
	*testing.T
	*signin.Service
	db       *db.DB
	people   *person.Service
	sessions *session.Sessions
	secrets  *secrets
	mails    mailbox
	server   *httptest.Server
	now      time.Time
}

// secrets are people's passwords and codes, and who asked for them.
type secrets struct {
	*credential.Service
	checked []person.ID // whose password was compared
	refuse  error
	tries   []bool
	owners  []string // whose tally guesses counted in
	late    bool     // their owner had enough of them
}

func (s *secrets) CheckPassword(ctx context.Context, who person.ID, password string) (bool, error) {
	s.checked = append(s.checked, who)
	return s.Service.CheckPassword(ctx, who, password)
}

func (s *secrets) CheckNewcomer(ctx context.Context, typed, password string) (person.ID, bool, error) {
	s.checked = append(s.checked, "")
	return s.Service.CheckNewcomer(ctx, typed, password)
}

func (s *secrets) Try(*http.Request, string) (func(bool), error) {
	return func(good bool) { s.tries = append(s.tries, good) }, s.refuse
}

func (s *secrets) TryOf(r *http.Request, account, owner string) (func(bool), bool, error) {
	done, err := s.Try(r, account)
	s.owners = append(s.owners, owner)
	return done, s.late, err
}

func (s *secrets) Remember(http.ResponseWriter, *http.Request, ...string) {}

// letter is a mail that was sent.
type letter struct{ to, title, text string }

// mailbox has the mails of everybody.
type mailbox struct {
	off     bool
	refuse  error
	letters []letter
}

func (b *mailbox) CanMail() bool { return !b.off }

func (b *mailbox) Mail(_ context.Context, to, title, text string) error {
	if b.refuse == nil {
		b.letters = append(b.letters, letter{to, title, text})
	}
	return b.refuse
}

func newWorld(t *testing.T) *world { return newWorldWith(t, signin.DefaultSettings()) }

func newWorldWith(t *testing.T, settings signin.Settings) *world {
	t.Helper()
	catalogue, err := words.New(web.Words, person.Words, audit.Words, credential.Words, captcha.Words, session.Words, signin.Words)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, db: dbtest.SQLite(t, "identity", migrations.Files), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	var handler http.Handler
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	w.people = &person.Service{DB: w.db, Now: now}
	// Browsers allow passkeys at a name, not at a number.
	w.server.URL = strings.Replace(w.server.URL, "127.0.0.1", "localhost", 1)
	keeper, err := credential.New(credential.Needs{
		DB: w.db, Box: seal.NewBox([32]byte{1}), URL: w.server.URL, Floor: time.Millisecond, Cost: credential.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, Now: now,
	})
	w.must(err)
	w.secrets = &secrets{Service: keeper}
	w.sessions = session.New(session.Needs{DB: w.db, URL: w.server.URL, Now: now})
	log := slog.New(slog.DiscardHandler)
	w.Service = signin.New(signin.Needs{
		DB: w.db, URL: w.server.URL, People: w.people, Passwords: w.secrets, Seconds: w.secrets, Passkeys: w.secrets, Sessions: w.sessions, Brake: w.secrets,
		Captcha: captcha.New(captcha.Needs{DB: w.db, Box: seal.NewBox([32]byte{1}), Bits: 1, Now: now}),
		Flow: func(_ *http.Request, id string) (signin.Flow, bool, error) {
			return signin.Flow{App: "Pad <b>", Hint: "alice", Anew: true, TwoFactors: true}, id == "F1", nil
		},
		Newcomers: func(context.Context) error { return w.closes }, Mailer: &w.mails, Settings: settings, Hoster: "chaton-a.test", Words: catalogue, Now: now, Log: log,
	})
	site := web.New(web.Needs{
		DB: w.db, Words: catalogue, Lang: words.English, URL: w.server.URL, Now: now, Log: log,
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	handler = site.Handler([]web.Pages{w.Pages(site)})
	return w
}

// person makes somebody with a password; empty is none.
func (w *world) person(handle, password string) person.ID {
	w.Helper()
	p, err := w.people.Create(w.Context(), person.New{Handle: handle, Mail: handle + "@mail.test", Lang: "en"})
	w.must(err)
	if password != "" {
		w.must(w.secrets.SetPassword(w.Context(), p.ID, password))
	}
	return p.ID
}

// totp gives a person one-time codes; each call of the answer is a new one, 30 seconds later.
func (w *world) totp(who person.ID) (code func() string) {
	w.Helper()
	made, err := w.secrets.AddTOTP(w.Context(), who, "x")
	w.must(err)
	code = func() string {
		w.Helper()
		w.now = w.now.Add(30 * time.Second)
		text, err := totp.GenerateCode(made.Secret, w.now)
		w.must(err)
		return text
	}
	good, err := w.secrets.ConfirmTOTP(w.Context(), who, code())
	w.must(err)
	if !good {
		w.Fatal("the first code is wrong")
	}
	return code
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// browser keeps cookies and follows no redirect.
type browser struct {
	*world
	*http.Client
}

func (w *world) browser() browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	return browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what a page said.
type answer struct {
	status int
	next   string
	body   string
	header http.Header
}

func (b browser) get(path string) answer {
	b.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form: pairs of a name and a value.
func (b browser) post(path string, fields ...string) answer {
	b.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (b browser) do(method, path string, body io.Reader) answer {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, body)
	b.must(err)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(req)
	b.must(err)
	defer func() { b.must(res.Body.Close()) }()
	text, err := io.ReadAll(res.Body)
	b.must(err)
	return answer{res.StatusCode, res.Header.Get("Location"), string(text), res.Header}
}

// as is who is signed in in the browser; empty is nobody.
func (b browser) as() person.ID {
	b.Helper()
	home, err := url.Parse(b.server.URL)
	b.must(err)
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	for _, c := range b.Jar.Cookies(home) {
		req.AddCookie(c)
	}
	found, _, err := b.sessions.Find(req)
	b.must(err)
	return found.Person
}

// events are the kinds of what happened to a person, the newest first.
func (w *world) events(who person.ID) (kinds []audit.Kind) {
	w.Helper()
	all, err := (&audit.Log{DB: w.db, Now: func() time.Time { return w.now }}).Of(w.Context(), who, 0, 100)
	w.must(err)
	for _, e := range all {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func codeOf(status int) core.Code { return core.CodeFromHTTP(status) }

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
