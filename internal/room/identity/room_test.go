package identity

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// open is the room as the house opens it, without the logbooks and members.
func open(t *testing.T, now time.Time) *Room {
	t.Helper()
	return openWith(t, now, func(*Needs) {})
}

// openWith is open with more needs.
func openWith(t *testing.T, now time.Time, more func(n *Needs)) *Room {
	t.Helper()
	n := Needs{
		DB: dbtest.SQLite(t, "identity", migrations.Files), Origin: "chaton-a.test", URL: "https://chaton-a.test", Dir: t.TempDir(), Settings: *DefaultSettings(),
		Mailer: func() (signin.Mailer, bool) { return nil, false }, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
	more(&n)
	r, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Who leaves the room as it is wired leaves no link behind.
func TestLeaving(t *testing.T) {
	r := open(t, time.Now())
	p, err := r.People.Add(t.Context(), person.Person{}, person.New{Handle: "ana"})
	if err == nil {
		_, err = r.People.Link(t.Context(), person.Person{}, p.ID)
	}
	if err == nil {
		_, err = r.People.Close(t.Context(), p.Person, p.ID)
	}
	left, counted := db.One(t.Context(), r.DB, db.Int64, `SELECT count(*) FROM identity_token`)
	if err != nil || counted != nil || left != 0 {
		t.Error(left, err, counted)
	}
}

// An account that its owner is moving to is not closed under them.
func TestWhoArrivesIsNotRefused(t *testing.T) {
	r := open(t, time.Now())
	p, err := r.People.Add(t.Context(), person.Person{}, person.New{Handle: "ana", Status: person.Waiting})
	if err != nil {
		t.Fatal(err)
	}
	state := func(state string) {
		t.Helper()
		_, err := db.Exec(t.Context(), r.DB, `INSERT INTO identity_move_in (person, number, id, home, sub, state, document, until_us, handle, way)
			VALUES ($1, 1, 'x', 'chaton-b.test', 's', $2, '', 0, 'ana', 'new') ON CONFLICT (person, number) DO UPDATE SET state = excluded.state`, string(p.ID), state)
		if err != nil {
			t.Fatal(err)
		}
	}
	state("asked")
	if _, err := r.People.Refuse(t.Context(), person.Person{}, p.ID); core.CodeOf(err) != core.CodeConflict {
		t.Error("refused on the way:", err)
	}
	if was, err := r.Persons.Get(t.Context(), p.ID); err != nil || was.Status != person.Waiting {
		t.Error(was.Status, err)
	}
	state("done")
	if _, err := r.People.Refuse(t.Context(), person.Person{}, p.ID); err != nil {
		t.Error(err)
	}
}

// An admin who has more than a password enters the admin's half with it only; one who has
// not enters, and is told on the overview. A password alone was enough before.
func TestAdminsUseTheirSecondFactor(t *testing.T) {
	now := time.Now()
	r := open(t, now)
	add := func(handle string) person.Person {
		t.Helper()
		made, err := r.People.Add(t.Context(), person.Person{}, person.New{Handle: handle})
		if err != nil {
			t.Fatal(err)
		}
		return made.Person
	}
	ana, bob := add("ana"), add("bob")
	if _, err := r.People.SetRole(t.Context(), person.Person{}, ana.ID, person.Admin, true); err != nil {
		t.Fatal(err)
	}
	enters := func(p person.Person, amr ...string) (bool, error) {
		t.Helper()
		rec := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/", nil)
		if _, err := r.Sessions.Start(rec, req, session.Login{Person: p.ID, AMR: amr}); err != nil {
			t.Fatal(err)
		}
		req.AddCookie(rec.Result().Cookies()[0])
		return r.admin(req)
	}
	if in, err := enters(ana, "pwd"); !in || err != nil {
		t.Error("an admin who has a password only:", in, err)
	}
	secondFactor(t, r.Credentials, ana.ID, now)
	if in, err := enters(ana, "pwd"); in || core.CodeOf(err) != core.CodeDenied {
		t.Error("a password alone:", in, err)
	}
	for _, amr := range [][]string{{"pwd", "otp", "mfa"}, {"pop", "user"}} {
		if in, err := enters(ana, amr...); !in || err != nil {
			t.Error(amr, in, err)
		}
	}
	if in, err := enters(bob, "pop", "user", "mfa"); in || err != nil {
		t.Error("who is no admin:", in, err)
	}
}

func secondFactor(t *testing.T, s *credential.Service, who person.ID, now time.Time) {
	t.Helper()
	begun, err := s.AddTOTP(t.Context(), who, "ana")
	if err == nil {
		var code string
		code, err = totp.GenerateCode(begun.Secret, now)
		if err == nil {
			var good bool
			if good, err = s.ConfirmTOTP(t.Context(), who, code); !good {
				t.Fatal("the code is not taken", err)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
