package home_test

import (
	"context"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/identity/home"
)

// A row that cannot be read costs the home it is of, and nobody else; what the home wrote in
// its logbook mends it.
func TestADamagedHomeCostsOnlyItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		damages := []string{
			`keys = '{"keys":['`, `keys = '{"keys":[]}'`, `keys = ''`, `federation = 'x'`, `issuer = ''`, `issuer = 'https://b.te' || 'st/'`,
		}
		if w.DB.Engine() == db.SQLite { // the other engine holds numbers in a column of numbers
			damages = append(damages, `said_us = 'x'`, `entry = x'00ff'`, `keys = x'80'`)
		}
		w.read(t, entry(t, "a.test", 0, card(t, "https://a.test")))
		said := []logbook.Entry{
			{Log: "b.test", Index: 0, Typ: "other/1", Iat: 1, Body: []byte(`{}`)},
			entry(t, "b.test", 1, card(t, "https://old.b.test")),
			entry(t, "b.test", 2, card(t, "https://b.test")),
			{Log: "b.test", Index: 3, Typ: home.TypeCard, Iat: 1, Body: []byte(`{}`)},
		}
		w.Entries = func(_ context.Context, _ core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
			return said[min(int(from), len(said)):min(int(from)+min(limit, 2), len(said))], nil
		}
		w.trust.may["a.test"], w.trust.may["b.test"], w.trust.lenders = nil, nil, []core.Lender{{ID: "a.test"}, {ID: "b.test"}}
		for _, damage := range damages {
			w.read(t, said[2])
			if _, err := db.Exec(t.Context(), w.DB, `UPDATE identity_home SET `+damage+` WHERE member = 'b.test'`); err != nil {
				t.Fatal(damage, err)
			}
			for name, list := range map[string]func(context.Context) ([]home.Home, error){"all": w.All, "letting": w.Letting, "letting us": w.LettingUs} {
				if homes, err := list(t.Context()); err != nil || len(homes) != 1 || homes[0].Member != "a.test" {
					t.Errorf("%s, %s: %+v, %v", damage, name, homes, err)
				}
			}
			if _, err := w.Let(t.Context(), "a.test", ""); err != nil {
				t.Error(damage, err)
			}
			if _, err := w.Let(t.Context(), "b.test", ""); key(err) != "identity.home.damaged" {
				t.Error(damage, err)
			}
			if views, err := w.Views(t.Context()); err != nil || len(views) != 2 || views[0].Damaged || !views[1].Damaged || views[1].In {
				t.Errorf("%s: %+v, %v", damage, views, err)
			}
			if bad, err := w.Damaged(t.Context()); err != nil || len(bad) != 1 || bad[0] != "b.test" {
				t.Error(damage, bad, err)
			}
			if err := w.Reread(t.Context(), "b.test"); err != nil {
				t.Error(damage, err)
			}
			if got, err := w.Let(t.Context(), "b.test", ""); err != nil || got.Issuer != "https://b.test" || len(got.Keys.Keys) != 1 {
				t.Errorf("%s: %+v, %v", damage, got, err)
			}
		}
		if bad, err := w.Damaged(t.Context()); err != nil || len(bad) != 0 {
			t.Error(bad, err)
		}
		if err := w.Reread(t.Context(), "a.test"); key(err) != "identity.home.not_damaged" {
			t.Error(err)
		}
		// What the logbook no longer holds is as if it had never been said.
		if _, err := db.Exec(t.Context(), w.DB, `UPDATE identity_home SET keys = 'x' WHERE member = 'b.test'`); err != nil {
			t.Fatal(err)
		}
		said = nil
		if err := w.Reread(t.Context(), "b.test"); key(err) != "identity.home.none" {
			t.Error(err)
		}
		if bad, err := w.Damaged(t.Context()); err != nil || len(bad) != 0 {
			t.Error(bad, err)
		}
	})
}

// Our own row mends itself: we know what we say.
func TestOurOwnCardIsSaidAgainWhenDamaged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := card(t, "https://me.test")
		w.read(t, entry(t, "me.test", 0, c))
		if _, err := db.Exec(t.Context(), w.DB, `UPDATE identity_home SET keys = 'x'`); err != nil {
			t.Fatal(err)
		}
		said := 0
		err := w.Say(t.Context(), c, func(context.Context, string, any) error {
			said++
			w.read(t, entry(t, "me.test", 1, c))
			return nil
		})
		if err != nil || said != 1 {
			t.Error(said, err)
		}
		if got, err := w.Get(t.Context(), "me.test"); err != nil || got.Issuer != "https://me.test" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
