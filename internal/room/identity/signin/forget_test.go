package signin_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
)

// Nothing of what a person began is left when they leave; what others began is.
func TestForget(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		rows := map[string]string{
			"identity_step":    `INSERT INTO identity_step (hash, person, next, amr, tries, expires_us) VALUES ($1, $2, '', 'pwd', 0, 1)`,
			"identity_request": `INSERT INTO identity_request (person, text, made_us) VALUES ($2, $1, 1)`,
			"identity_token":   `INSERT INTO identity_token (hash, kind, person, address, made_us, expires_us) VALUES ($1, 'recover', $2, '', 1, 1)`,
			"identity_mail":    `INSERT INTO identity_mail (id, kind, person, address, lang, state, failed, made_us, next_us) VALUES ($1, 'recover', $2, '', 'fr', 'open', 0, 1, 1)`,
		}
		run := func(query string, args ...any) {
			t.Helper()
			if _, err := db.Exec(t.Context(), d, query, args...); err != nil {
				t.Fatal(err)
			}
		}
		for _, query := range rows {
			run(query, "hash a", "alice")
			run(query, "hash b", "bob")
		}
		run(`INSERT INTO identity_mail (id, kind, person, address, lang, state, failed, made_us, next_us) VALUES ('m', 'known', '', 'alice@mail.test', 'fr', 'sent', 0, 1, 1)`)
		err := d.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			return signin.Forget(ctx, q, person.Person{ID: "alice", Handle: "alice", Mail: "alice@mail.test", Made: core.Moment(1)})
		})
		if err != nil {
			t.Fatal(err)
		}
		for table := range rows {
			if left, err := db.All(t.Context(), d, db.Text, `SELECT person FROM `+table); err != nil || len(left) != 1 || left[0] != "bob" {
				t.Errorf("%s: %v %v", table, left, err)
			}
		}
	})
}

// Who is at home elsewhere is not let in by a link, nor is an address theirs by one.
func TestLinksOfWhoWentElsewhere(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "")
	text, err := signin.NewInvite(w.Context(), w.db, alice, core.At(w.now))
	w.must(err)
	p, err := w.people.Get(t.Context(), alice)
	w.must(err)
	w.must(w.AskAddress(t.Context(), p, "new@mail.test"))
	address := w.linkTo("new@mail.test", "/account/mail")
	w.must(w.db.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := person.Depart(ctx, q, alice)
		return err
	}))
	b := w.browser()
	if got := b.post(signin.InvitePath(text), "password", "a horse that is quite correct"); got.status != http.StatusConflict || b.as() != "" {
		t.Errorf("%d as %q", got.status, b.as())
	}
	b.post(address)
	if p, err = w.people.Get(t.Context(), alice); err != nil || p.Mail != "alice@mail.test" {
		t.Error(p.Mail, err)
	}
}

// Mails that could not go out in a day never do, as where there was no mail server.
func TestMailsThatAreOfNoUseAnyMore(t *testing.T) {
	w := newWorld(t)
	w.person("alice", "correct horse")
	w.mails.off = true
	w.browser().post("/recover", "who", "alice")
	forget := w.Jobs()[slices.IndexFunc(w.Jobs(), func(j jobs.Job) bool { return j.Name == "identity-sign-in" })]
	waiting := func() int64 {
		n, err := db.One(t.Context(), w.db, db.Int64, `SELECT count(*) FROM identity_mail`)
		w.must(err)
		return n
	}
	w.now = w.now.Add(23 * time.Hour)
	w.must(forget.Run(t.Context()))
	if n := waiting(); n != 1 {
		t.Error("within a day:", n)
	}
	w.now = w.now.Add(2 * time.Hour)
	w.must(forget.Run(t.Context()))
	if n := waiting(); n != 0 {
		t.Error("after a day:", n)
	}
}
