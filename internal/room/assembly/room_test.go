package assembly

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/assembly/need"
)

// written is a logbook that keeps what is written.
type written struct {
	Book
	types []string
}

func (w *written) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, _ any) (logbook.Entry, error) {
	w.types = append(w.types, typ)
	return logbook.Entry{}, nil
}

func needs(t *testing.T, d *db.DB, now func() time.Time, book Book) Needs {
	t.Helper()
	c, err := words.New(append(AllWords(), words.Words)...)
	if err != nil {
		t.Fatal(err)
	}
	return Needs{
		DB: d, Words: c, Self: "chaton-a.test", Book: book, URL: "https://chaton-a.test", Dir: t.TempDir(),
		Accounts: func() (Accounts, bool) { return nil, false }, Mailer: func() (Mailer, bool) { return nil, false }, Directory: func() (Directory, bool) { return nil, false },
		Incidents:   func() (Incidents, bool) { return nil, false },
		Collectives: func() (Collectives, bool) { return nil, false },
		Members:     Members{Signer: seal.NewSigner("chaton-a.test", make(ed25519.PrivateKey, ed25519.PrivateKeySize))},
		Now:         now, Log: slog.New(slog.DiscardHandler),
	}
}

// What doctor, the limits and the metrics say of needs, from nobody to one that lies about.
func TestWhatLiesAboutIsSaid(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, at, book := t.Context(), time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC), &written{}
		r, err := New(needs(t, d, func() time.Time { return at }, book))
		if err != nil {
			t.Fatal(err)
		}
		key := func(err error) string {
			if e, ok := err.(*core.Error); ok { //nolint:errorlint // it is made here
				return e.Key
			}
			return ""
		}
		says := func(waiting, late string, limits int) {
			t.Helper()
			_, lateErr := r.checkLate(ctx)
			list, err := r.limits(ctx)
			if got := key(r.checkWaiting(ctx)); got != waiting || key(lateErr) != late || len(list) != limits || err != nil {
				t.Errorf("waiting %q, late %q, %d limits, %v", got, key(lateErr), len(list), err)
			}
		}
		says("", "", 0)
		token, err := r.Told.Tell(ctx, need.Told{Goal: "A calendar", Lang: "fr"})
		if err != nil {
			t.Fatal(err)
		}
		says("", "", 0)
		at = at.Add(8 * 24 * time.Hour)
		says("assembly.waiting_long", "", 0)
		n, err := r.Told.ByToken(ctx, token)
		if err == nil {
			_, err = r.Told.Publish(ctx, n.ID, "", "")
		}
		if err != nil {
			t.Fatal(err)
		}
		says("", "", 0)
		at = at.Add(23 * 24 * time.Hour)
		says("", "assembly.late", 1)
		all, err := r.metrics(ctx)
		if err != nil || len(all) != 16 || all[1].Value != 1 || all[3].Value != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if err := r.say(ctx); err != nil || strings.Join(book.types, " ") != need.TypeNeeds {
			t.Errorf("said %v, %v", book.types, err)
		}
	})
}

// A key file that others may read stops the room, and says so.
func TestAKeyThatOthersMayRead(t *testing.T) {
	n := needs(t, dbtest.SQLite(t, "assembly", migrations.Files), time.Now, &written{})
	if _, err := New(n); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(n.Dir, boxName), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(n); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("opened all the same: %v", err)
	}
}
