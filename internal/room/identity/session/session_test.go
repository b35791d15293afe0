package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

// world is a node with people, and a clock that the test turns.
type world struct {
	*testing.T
	*session.Sessions
	db    *db.DB
	now   time.Time
	ended []string // ids
}

func each(t *testing.T, fn func(w *world)) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := &world{T: t, db: d, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
		w.Sessions = session.New(session.Needs{
			DB: d, URL: "https://chaton-a.test", Now: func() time.Time { return w.now },
			Ended: func(_ context.Context, _ db.Querier, ended []session.Session) error {
				for _, one := range ended {
					w.ended = append(w.ended, one.ID)
				}
				return nil
			},
		})
		fn(w)
	})
}

func (w *world) person(handle string) person.ID {
	w.Helper()
	p, err := (&person.Service{DB: w.db, Now: func() time.Time { return w.now }}).Create(w.Context(), person.New{Handle: handle})
	if err != nil {
		w.Fatal(err)
	}
	return p.ID
}

// browser keeps one cookie.
type browser struct{ cookie *http.Cookie }

func (b *browser) request(w *world) *http.Request {
	r := httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	return r
}

func (b *browser) keep(rec *httptest.ResponseRecorder) {
	for _, c := range rec.Result().Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
}

func (b *browser) start(w *world, l session.Login) session.Session {
	w.Helper()
	rec := httptest.NewRecorder()
	s, err := w.Start(rec, b.request(w), l)
	if err != nil {
		w.Fatal(err)
	}
	b.keep(rec)
	return s
}

func (b *browser) who(w *world) person.ID {
	w.Helper()
	s, _, err := w.Find(b.request(w))
	if err != nil {
		w.Fatal(err)
	}
	return s.Person
}

func TestASessionFromItsStartToItsEnd(t *testing.T) {
	each(t, func(w *world) {
		alice, bob := w.person("alice"), w.person("bob")
		var b browser
		first := b.start(w, session.Login{Person: alice, AMR: []string{"pwd", "otp"}})
		if c := b.cookie; c.Name != "__Host-entrechat-person" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			w.Errorf("cookie %v", c)
		}
		got, ok, err := w.Find(b.request(w))
		if diff := cmp.Diff(first, got); diff != "" || !ok || err != nil || got.Agent != "Firefox, Linux" {
			w.Error(diff, ok, err)
		}

		// The same person signs in again: a new token, the same session for services.
		old := b
		w.now = w.now.Add(time.Hour)
		again := b.start(w, session.Login{Person: alice, AMR: []string{"hwk"}})
		if again.ID != first.ID || again.Auth == first.Auth || len(w.ended) != 0 {
			w.Errorf("again %v after %v; ended %v", again, first, w.ended)
		}
		if who := old.who(w); who != "" || b.cookie.Value == old.cookie.Value {
			w.Error("the token of before still opens the session")
		}

		// Another person in the same browser ends it.
		other := b.start(w, session.Login{Person: bob, AMR: []string{"pwd"}})
		if other.ID == first.ID || !cmp.Equal(w.ended, []string{first.ID}) || b.who(w) != bob {
			w.Errorf("other %v, ended %v", other, w.ended)
		}
		rec := httptest.NewRecorder()
		if err := w.Leave(rec, b.request(w)); err != nil {
			w.Fatal(err)
		}
		left := b
		b.keep(rec)
		if b.cookie != nil || left.who(w) != "" || !cmp.Equal(w.ended, []string{first.ID, other.ID}) {
			w.Errorf("after leaving: cookie %v, ended %v", b.cookie, w.ended)
		}
	})
}

func TestSessionsRunOut(t *testing.T) {
	each(t, func(w *world) {
		alice := w.person("alice")
		var idle, used browser
		idle.start(w, session.Login{Person: alice, AMR: []string{"pwd"}})
		used.start(w, session.Login{Person: alice, AMR: []string{"pwd"}})
		begun := w.now
		for day := 1; day < 90; day++ {
			w.now = begun.Add(time.Duration(day) * 24 * time.Hour)
			if used.who(w) != alice {
				w.Fatalf("out on day %d", day)
			}
			if day == 30 && idle.who(w) != "" {
				w.Error("nobody used it for 30 days and it is open")
			}
		}
		w.now = begun.Add(90 * 24 * time.Hour)
		if used.who(w) != "" {
			w.Error("open after 90 days")
		}
		if list, err := w.List(w.Context(), alice); err != nil || len(list) != 0 {
			w.Errorf("listed: %v, %v", list, err)
		}
		for _, j := range w.Jobs() {
			if err := j.Run(w.Context()); err != nil {
				w.Error(err)
			}
		}
		if n, err := db.One(w.Context(), w.db, db.Int64, `SELECT count(*) FROM identity_session`); err != nil || n != 0 {
			w.Errorf("%d rows left, %v", n, err)
		}
	})
}

func TestStepUp(t *testing.T) {
	each(t, func(w *world) {
		var b browser
		if _, err := w.Fresh(b.request(w)); core.CodeOf(err) != core.CodeDenied {
			w.Error(err)
		}
		b.start(w, session.Login{Person: w.person("alice"), AMR: []string{"pwd"}})
		w.now = w.now.Add(9 * time.Minute)
		if _, err := w.Fresh(b.request(w)); err != nil {
			w.Error(err)
		}
		w.now = w.now.Add(time.Minute)
		if _, err := w.Fresh(b.request(w)); core.CodeOf(err) != core.CodeDenied {
			w.Error(err)
		}
		if _, err := w.Signed(b.request(w)); err != nil {
			w.Error(err)
		}
	})
}

func TestSessionsAreEnded(t *testing.T) {
	each(t, func(w *world) {
		alice, bob := w.person("alice"), w.person("bob")
		all := make([]browser, 5)
		ids := make([]string, len(all))
		for i := range all {
			home := core.MemberID("")
			who := alice
			if i == 4 {
				who, home = bob, "chaton-b.test"
			}
			ids[i] = all[i].start(w, session.Login{Person: who, Home: home, AMR: []string{"pwd"}}).ID
			w.now = w.now.Add(time.Minute)
		}
		if err := w.End(w.Context(), bob, ids[0]); core.CodeOf(err) != core.CodeNotFound {
			w.Errorf("another person's: %v", err)
		}
		if err := w.End(w.Context(), alice, ids[0]); err != nil || all[0].who(w) != "" || all[1].who(w) != alice {
			w.Error(err)
		}
		if n, err := w.EndAll(w.Context(), w.db, alice, ids[2]); err != nil || n != 2 || all[1].who(w) != "" || all[2].who(w) != alice {
			w.Error(n, err)
		}
		if n, err := w.EndAll(w.Context(), w.db, bob, ""); err != nil || n != 1 || all[4].who(w) != "" {
			w.Error(n, err)
		}
		if len(w.ended) != 4 {
			w.Error(w.ended)
		}
	})
}

// Who may not sign in is out at once.
func TestASuspendedPersonIsOut(t *testing.T) {
	each(t, func(w *world) {
		alice := w.person("alice")
		var b browser
		b.start(w, session.Login{Person: alice, AMR: []string{"pwd"}})
		people := &person.Service{DB: w.db, Now: func() time.Time { return w.now }}
		for _, status := range []person.Status{person.Suspended, person.Active} {
			if _, err := people.Change(w.Context(), alice, func(p *person.Person) error { p.Status = status; return nil }); err != nil {
				w.Fatal(err)
			}
			if in := b.who(w) == alice; in != (status == person.Active) {
				w.Errorf("%s: in %v", status, in)
			}
		}
	})
}

// A person who signs in everywhere has a bounded number of sessions.
func TestTheOldestSessionMakesRoom(t *testing.T) {
	each(t, func(w *world) {
		alice := w.person("alice")
		var first browser
		first.start(w, session.Login{Person: alice, AMR: []string{"pwd"}})
		for range 50 {
			w.now = w.now.Add(time.Minute)
			new(browser).start(w, session.Login{Person: alice, AMR: []string{"pwd"}})
		}
		list, err := w.List(w.Context(), alice)
		if err != nil || len(list) != 50 || first.who(w) != "" || len(w.ended) != 1 {
			w.Errorf("%d sessions, ended %v, %v", len(list), w.ended, err)
		}
	})
}
