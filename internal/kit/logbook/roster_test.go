package logbook_test

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
)

// The roster differs when somebody is followed, forgotten, suspended or pardoned, and only then.
func TestRoster(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		now := time.Unix(1_800_000_000, 0)
		book := logbook.New(logbook.Needs{DB: d, Signer: seal.NewSigner("a.test", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))), Now: func() time.Time {
			now = now.Add(time.Millisecond)
			return now
		}, Log: slog.New(slog.DiscardHandler)})
		ctx := t.Context()
		var before logbook.Roster
		changes := func(what string, err error) {
			t.Helper()
			r, failed := book.Roster(ctx)
			if err = errors.Join(err, failed); err != nil || r == before {
				t.Errorf("%s: %+v %v", what, r, err)
			}
			if again, _ := book.Roster(ctx); again != r {
				t.Errorf("%s: %+v, then %+v", what, r, again)
			}
			before = r
		}
		suspend := func(id string, at core.Moment) error {
			_, err := db.Exec(ctx, d, `UPDATE logbook_member SET forked_us = $2 WHERE id = $1`, id, int64(at))
			return err
		}
		changes("b", book.Follow(ctx, "b.test", "https://b.test", core.RootKey{1}))
		changes("c", book.Follow(ctx, "c.test", "https://c.test", core.RootKey{2}))
		changes("b suspended", suspend("b.test", core.At(now)))
		changes("c suspended", suspend("c.test", core.At(now)+1))
		changes("b pardoned", suspend("b.test", 0))
		changes("c forgotten", book.Unfollow(ctx, "c.test"))
		changes("c again", book.Follow(ctx, "c.test", "https://c.test", core.RootKey{3}))
	})
}
