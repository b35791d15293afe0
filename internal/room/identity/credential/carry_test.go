package credential

import (
	"context"
	"testing"
	"time"

	otptotp "github.com/pquerna/otp/totp"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

// TestWhatPeopleSignInWithTravels: a password and one-time codes are good at another hoster, whose
// key is another.
func TestWhatPeopleSignInWithTravels(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		there := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
		there.Box = seal.NewBox([32]byte{2})
		alice, bob, carol, moved := person.NewID(), person.NewID(), person.NewID(), person.NewID()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		put := func(on *world, who person.ID, h Hashed) {
			t.Helper()
			must(on.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error { return on.PutPassword(ctx, q, who, h) }))
		}
		hashed, err := w.Hash(t.Context(), good)
		must(err)
		put(w, alice, hashed)
		put(w, bob, OutsideHash("uid=bob"))
		begun, err := w.AddTOTP(t.Context(), alice, "alice")
		must(err)
		if _, totp, err := w.Carry(t.Context(), w.DB, alice); err != nil || totp != "" {
			t.Error("a secret that was not confirmed", totp, err)
		}
		now, err := otptotp.GenerateCode(begun.Secret, w.at)
		must(err)
		if is, err := w.ConfirmTOTP(t.Context(), alice, now); err != nil || !is {
			t.Fatal(is, err)
		}
		for _, who := range []person.ID{bob, carol} {
			if password, totp, err := w.Carry(t.Context(), w.DB, who); err != nil || password+totp != "" {
				t.Errorf("%q %q %v", password, totp, err)
			}
		}
		password, totp, err := w.Carry(t.Context(), w.DB, alice)
		must(err)
		must(there.Bring(t.Context(), there.DB, moved, password, totp))
		must(there.Bring(t.Context(), there.DB, carol, "no hash", "no secret"))
		there.check(moved, good, true)
		there.at = w.at.Add(time.Minute)
		next, err := otptotp.GenerateCode(begun.Secret, there.at)
		must(err)
		if is, err := there.CheckTOTP(t.Context(), moved, next); err != nil || !is {
			t.Error("the codes of before are wrong", err)
		}
		if has, err := there.Has(t.Context(), there.DB, carol); err != nil || has {
			t.Error("what is no hash was taken", err)
		}
		// What somebody has here stays.
		other, err := there.Hash(t.Context(), "une autre phrase longue")
		must(err)
		put(there, moved, other)
		must(there.Bring(t.Context(), there.DB, moved, password, totp))
		there.check(moved, good, false)
	})
}
