package account

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
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
)

const site = "http://localhost"

// world is a person's page, and the person's browser.
type world struct {
	*testing.T
	*Service
	now     time.Time
	alice   person.Person
	cookies []*http.Cookie
	handler http.Handler
}

// newWorld is alice, signed in a moment ago.
func newWorld(t *testing.T) *world {
	t.Helper()
	catalogue, err := words.New(web.Words, person.Words, audit.Words, credential.Words, session.Words, signin.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.SQLite(t, "identity", migrations.Files)
	w := &world{T: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	keys, err := credential.New(credential.Needs{
		DB: d, Box: seal.NewBox([32]byte{1}), URL: site, Floor: time.Millisecond, Cost: credential.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, Now: now,
	})
	w.must(err)
	people, sessions := &person.Service{DB: d, Now: now}, session.New(session.Needs{DB: d, URL: site, Now: now})
	in := signin.New(signin.Needs{DB: d, URL: site, People: people, Passwords: keys, Seconds: keys, Passkeys: keys, Sessions: sessions, Words: catalogue, Now: now})
	w.Service = New(Needs{
		DB: d, People: people, Keys: keys, Sessions: sessions, SignIn: in, Log: &audit.Log{DB: d, Now: now}, Now: now,
		Close: func(ctx context.Context, by person.Person, who person.ID) (p person.Person, err error) {
			err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
				p, err = person.Close(ctx, q, who, core.At(w.now))
				return err
			})
			return p, err
		},
		Apps: func(context.Context, person.ID) ([]App, error) {
			return []App{{Name: "pad", URL: "https://pad.test", Username: "alice", Since: 1}}, nil
		},
	})
	all := web.New(web.Needs{
		DB: d, Words: catalogue, Lang: words.English, URL: site, Now: now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A"} },
	})
	w.handler = all.Handler([]web.Pages{w.Pages(all)})
	w.alice, err = people.Create(t.Context(), person.New{Handle: "alice", Name: "Alice", Mail: "alice@mail.test"})
	w.must(err)
	w.must(keys.SetPassword(t.Context(), w.alice.ID, "correct horse"))
	w.cookies = w.signIn()
	return w
}

// signIn is the cookies of one more browser of alice's.
func (w *world) signIn() []*http.Cookie {
	w.Helper()
	rec := httptest.NewRecorder()
	_, err := w.n.Sessions.Start(rec, httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/", nil), session.Login{Person: w.alice.ID, AMR: []string{"pwd"}})
	w.must(err)
	return rec.Result().Cookies()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// do asks for a page, or sends a form: pairs of a name and a value.
func (w *world) do(method, path string, fields ...string) (status int, next, body string) {
	w.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range w.cookies {
		req.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	text, err := io.ReadAll(rec.Body)
	w.must(err)
	return rec.Code, rec.Header().Get("Location"), string(text)
}

func (w *world) again() person.Person {
	w.Helper()
	p, err := w.n.People.Get(w.Context(), w.alice.ID)
	w.must(err)
	return p
}

// Who is not signed in is sent to sign in; who signed in long ago, once more for what opens
// the account.
func TestWhoMaySeeWhat(t *testing.T) {
	w := newWorld(t)
	open := []string{Path, pathProfile, pathChoice, pathSessions, pathSessions + "/history", pathApps}
	_, _, home := w.do(http.MethodGet, Path)
	for _, path := range []string{"/my-services", "/account/hosters", pathSessions, pathSessions + "/history", pathData, pathLeave, pathProfile, pathMail, pathKeys, pathChoice} {
		if !strings.Contains(home, `href="`+path+`"`) {
			t.Errorf("no link leads to %s", path)
		}
	}
	careful := []string{pathMail, pathKeys, pathPassword, pathData, pathLeave}
	for _, path := range slices.Concat(open, careful) {
		if status, _, body := w.do(http.MethodGet, path); status != http.StatusOK || strings.Contains(body, "⟦") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	w.now = w.now.Add(11 * time.Minute)
	for _, path := range open {
		if status, _, _ := w.do(http.MethodGet, path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range careful {
		if status, next, _ := w.do(http.MethodGet, path); status != http.StatusSeeOther || next != "/sign-in?next="+url.QueryEscape(path) {
			t.Errorf("%s: %d to %s", path, status, next)
		}
	}
	for _, path := range []string{pathPassword, pathLeave, pathPasskey, pathCodes, pathSpare} {
		if status, _, _ := w.do(http.MethodPost, path, "password", "battery staple", "handle", "alice"); status != http.StatusForbidden {
			t.Errorf("%s: %d", path, status)
		}
	}
	w.cookies = nil
	for _, path := range slices.Concat(open, careful) {
		if status, next, _ := w.do(http.MethodGet, path); status != http.StatusSeeOther || !strings.HasPrefix(next, "/sign-in?") {
			t.Errorf("%s for nobody: %d to %s", path, status, next)
		}
		if status, _, _ := w.do(http.MethodPost, path); status == http.StatusOK || status == http.StatusSeeOther {
			t.Errorf("%s for nobody: %d", path, status)
		}
	}
}

func TestProfileAndChoice(t *testing.T) {
	w := newWorld(t)
	w.do(http.MethodPost, pathProfile, "name", "Alice <b>", "lang", "en")
	w.do(http.MethodPost, pathChoice, "choice", "erase")
	if p := w.again(); p.Name != "Alice <b>" || p.Lang != "en" || p.Choice != person.Erase {
		t.Errorf("%+v", p)
	}
	if status, _, _ := w.do(http.MethodPost, pathProfile, "name", "x", "lang", "de"); status != http.StatusBadRequest {
		t.Error(status)
	}
	if status, _, _ := w.do(http.MethodPost, pathChoice, "choice", "sell"); status != http.StatusBadRequest {
		t.Error(status)
	}
	if status, _, body := w.do(http.MethodPost, pathMail, "mail", "new@mail.test"); status != http.StatusConflict || !strings.Contains(body, "sends no mail") {
		t.Error(status)
	}
}

func TestPasswordEndsOtherSessions(t *testing.T) {
	w := newWorld(t)
	mine := w.cookies
	w.cookies = w.signIn()
	if status, next, _ := w.do(http.MethodPost, pathPassword, "password", "battery staple"); status != http.StatusSeeOther || next != pathKeys {
		t.Error(status, next)
	}
	w.cookies, mine = mine, w.cookies
	if status, _, _ := w.do(http.MethodGet, Path); status != http.StatusSeeOther {
		t.Error("the other browser is still in")
	}
	w.cookies = mine
	if good, err := w.n.Keys.CheckPassword(t.Context(), w.alice.ID, "battery staple"); err != nil || !good {
		t.Error(good, err)
	}
	if status, _, _ := w.do(http.MethodPost, pathKeys, "do", "remove-password"); status != http.StatusConflict {
		t.Errorf("the last way in was removed: %d", status)
	}
}

var secret = regexp.MustCompile(`<code>([A-Z2-7 ]+)</code>`)

func TestCodes(t *testing.T) {
	w := newWorld(t)
	_, _, body := w.do(http.MethodPost, pathCodes)
	found := secret.FindStringSubmatch(body)
	if found == nil || !strings.Contains(body, `<svg class="qr"`) {
		t.Fatal(body)
	}
	if status, _, body := w.do(http.MethodPost, pathCodes+"/answer", "code", "000000"); status != http.StatusBadRequest || secret.MatchString(body) {
		t.Error(status)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(found[1], " ", ""), w.now)
	w.must(err)
	if status, next, _ := w.do(http.MethodPost, pathCodes+"/answer", "code", code[:3]+" "+code[3:]); status != http.StatusSeeOther || next != pathKeys+"?done=codes" {
		t.Error(status, next)
	}
	_, _, body = w.do(http.MethodPost, pathSpare)
	if n := strings.Count(body, "<li>"); n < 10 {
		t.Errorf("%d codes", n)
	}
	w.do(http.MethodPost, pathKeys, "do", "remove-codes")
	if second, err := w.n.Keys.HasSecond(t.Context(), w.alice.ID); err != nil || second {
		t.Error(second, err)
	}
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	w := newWorld(t)
	other := w.signIn()
	list, err := w.n.Sessions.List(t.Context(), w.alice.ID)
	w.must(err)
	if _, _, body := w.do(http.MethodGet, pathSessions); strings.Count(body, `class="card"`) != 2 || strings.Count(body, "This very browser") != 1 {
		t.Error(body)
	}
	if status, _, _ := w.do(http.MethodPost, pathSessions, "do", "end", "session", "not-mine"); status != http.StatusNotFound {
		t.Error(status)
	}
	w.do(http.MethodPost, pathSessions, "do", "all")
	if left, err := w.n.Sessions.List(t.Context(), w.alice.ID); err != nil || len(left) != 1 || len(list) != 2 {
		t.Error(left, err)
	}
	w.cookies = other
	if status, _, _ := w.do(http.MethodGet, Path); status != http.StatusSeeOther {
		t.Error("the other browser is still in")
	}
}

// What a person takes along has all that is about them, and nothing that opens an account.
func TestEverything(t *testing.T) {
	w := newWorld(t)
	_, err := w.n.Keys.NewRecovery(t.Context(), w.alice.ID)
	w.must(err)
	status, _, body := w.do(http.MethodGet, pathData)
	for _, want := range []string{`"handle": "alice"`, `"mail": "alice@mail.test"`, `"made": "2026-03-01T12:00:00Z"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%d: no %s in %s", status, want, body)
		}
	}
	for _, never := range []string{"argon2", `"hash"`, `"secret"`, `"salt"`, "_us"} {
		if strings.Contains(body, never) {
			t.Errorf("%s in %s", never, body)
		}
	}
	known := tables()
	all, err := db.All(t.Context(), w.n.DB, db.Text, `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name LIKE 'identity_%' AND c.name = 'person'`)
	w.must(err)
	for _, table := range all {
		if known[table] == "" {
			t.Errorf("%s says something of a person, who is not told", table)
		}
	}
}

func TestLeave(t *testing.T) {
	w := newWorld(t)
	if status, _, _ := w.do(http.MethodPost, pathLeave, "handle", "alic"); status != http.StatusBadRequest || w.again().Status != person.Active {
		t.Error(status)
	}
	if status, next, _ := w.do(http.MethodPost, pathLeave, "handle", "alice"); status != http.StatusSeeOther || next != pathLeave+"/done" || w.again().Status != person.Closed {
		t.Error(status, next)
	}
	if status, _, _ := w.do(http.MethodGet, Path); status != http.StatusSeeOther {
		t.Error("who has left is still in")
	}
	if status, _, _ := w.do(http.MethodGet, pathLeave+"/done"); status != http.StatusOK {
		t.Error(status)
	}
}

// A visitor's keys are at home.
func TestVisitors(t *testing.T) {
	w := newWorld(t)
	v, err := person.CreateVisitor(t.Context(), w.n.DB, "vera", "chaton-b.test", core.At(w.now))
	w.must(err)
	rec := httptest.NewRecorder()
	_, err = w.n.Sessions.Start(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), session.Login{Person: v.ID, Home: "chaton-b.test", AMR: []string{"pop"}})
	w.must(err)
	w.cookies = rec.Result().Cookies()
	if status, _, body := w.do(http.MethodGet, Path); status != http.StatusOK || !strings.Contains(body, "chaton-b.test") || strings.Contains(body, "/account/keys") {
		t.Error(status, body)
	}
	for _, path := range []string{pathKeys, pathPassword, pathProfile, pathMail, pathChoice} {
		want := http.StatusNotFound
		if status, _, _ := w.do(http.MethodGet, path); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// A password that cannot be noted in the account's log is not set: nobody has a new password
// while the sessions of who knew the old one live on.
func TestAPasswordIsSetWhollyOrNot(t *testing.T) {
	w := newWorld(t)
	_, err := db.Exec(t.Context(), w.n.DB, `CREATE TRIGGER full BEFORE INSERT ON identity_audit BEGIN SELECT RAISE(ABORT, 'full'); END`)
	w.must(err)
	if status, _, _ := w.do(http.MethodPost, pathPassword, "password", "another horse, quite"); status < 500 {
		t.Error(status)
	}
	if good, err := w.n.Keys.CheckPassword(t.Context(), w.alice.ID, "correct horse"); !good || err != nil {
		t.Error(good, err)
	}
}

// Who knows an admin's password alone does not take the passkey away, to administer by the
// password then.
func TestAnAdminsPasskeyIsNotTakenByThePassword(t *testing.T) {
	w := newWorld(t)
	_, err := w.n.People.Change(t.Context(), w.alice.ID, func(p *person.Person) error { p.Roles = []person.Role{person.Admin}; return nil })
	w.must(err)
	if status, _, _ := w.do(http.MethodGet, pathKeys); status != http.StatusOK {
		t.Error("an admin who has a password only:", status)
	}
	_, err = db.Exec(t.Context(), w.n.DB, `INSERT INTO identity_passkey (id, person, name, record, made_us, used_us, doubted_us) VALUES ('k1', $1, '', '{}', 1, 0, 0)`, string(w.alice.ID))
	w.must(err)
	remove := func() (status, left int) {
		t.Helper()
		status, _, _ = w.do(http.MethodPost, pathKeys, "do", "remove-passkey", "passkey", "k1")
		ways, err := w.n.Keys.List(t.Context(), w.alice.ID)
		w.must(err)
		return status, len(ways.Passkeys)
	}
	if status, left := remove(); status != http.StatusForbidden || left != 1 {
		t.Errorf("by the password: %d, %d left", status, left)
	}
	rec := httptest.NewRecorder()
	_, err = w.n.Sessions.Start(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), session.Login{Person: w.alice.ID, AMR: []string{"pop", "user"}})
	w.must(err)
	w.cookies = rec.Result().Cookies()
	if status, left := remove(); status != http.StatusSeeOther || left != 0 {
		t.Errorf("by the passkey: %d, %d left", status, left)
	}
}
