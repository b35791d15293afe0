package home_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/home"
)

// A crowd is signed out a few at a time, while others write; what a kill cuts short goes on,
// and nobody comes in from the first moment.
func TestACrowdIsSignedOutInBatches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const crowd = 120
		w.read(t, entry(t, "a.test", 0, card(t, "https://a.test")))
		w.trust.may["a.test"] = nil
		err := w.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			for i := range crowd {
				told := home.Told{Sub: fmt.Sprintf("s%03d", i), Handle: fmt.Sprintf("cat%03d", i)}
				if _, _, err := (home.Coming{Home: "a.test", Most: crowd, Now: core.At(w.at)}).Admit(ctx, q, told); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := func() (n int64) {
			n, err := db.One(t.Context(), w.DB, db.Int64, `SELECT count(*) FROM identity_visitor WHERE handle = 'out'`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		calls, stop, power := 0, 70, errors.New("the power went")
		end := func(ctx context.Context, q db.Querier, v home.Visitor) error {
			if calls == stop {
				return power
			}
			calls++
			if calls%50 == 1 { // what came before is in, and not in one transaction with this
				if err := home.Lets(ctx, q, "a.test"); key(err) != "identity.home.shut" {
					t.Error("a newcomer comes in:", err)
				}
			}
			_, err := db.Exec(ctx, q, `UPDATE identity_visitor SET handle = 'out' WHERE home = $1 AND sub = $2`, string(v.Home), v.Sub)
			return err
		}
		if err := w.Close(t.Context(), "a.test", "spam", end); !errors.Is(err, power) {
			t.Fatal(err)
		}
		if _, err := w.Let(t.Context(), "a.test", ""); key(err) != "identity.home.shut" {
			t.Error("what was cut short lets people in:", err)
		}
		if n := ended(); n != 50 {
			t.Errorf("%d of the first 70 are out: not in batches of 50", n)
		}
		// Another process, or the next start.
		stop = -1
		if err := w.Finish(t.Context(), end); err != nil || ended() != crowd {
			t.Error(ended(), err)
		}
		if was := calls; w.Finish(t.Context(), end) != nil || calls != was {
			t.Error("it does not end")
		}
		// Shut once more: whoever is signed in all the same is ended.
		if err := w.Close(t.Context(), "a.test", "spam", end); err != nil || calls < 2*crowd {
			t.Error(calls, err)
		}
		// Opened while it goes on: the rest stays signed in.
		stop = calls + 60
		if err := w.Close(t.Context(), "a.test", "spam", end); !errors.Is(err, power) {
			t.Error(err)
		}
		if err := w.Open(t.Context(), "a.test"); err != nil {
			t.Error(err)
		}
		stop = -1
		if was := calls; w.Finish(t.Context(), end) != nil || calls != was {
			t.Error("an opened home is shut to somebody")
		}
	})
}
