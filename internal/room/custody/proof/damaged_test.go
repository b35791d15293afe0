package proof

import (
	"slices"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/migrations"
)

// A holder's disk damages what it keeps of one deal: it says that this share is lost, and goes on
// with all others.
func TestDamagedDealOfOne(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files)), t.Context()
	w.deal()
	other, err := w.nodes[owner].Deals.Make(ctx, deal.Wish{Scope: box.Serve, K: 2, To: []string{"chaton-b.test", "chaton-c.test", "chaton-d.test"}, Content: []byte("y")})
	if err != nil {
		t.Fatal(err)
	}
	w.tellAll()
	b := w.nodes["chaton-b.test"]
	if _, err := db.Exec(ctx, b.db, `UPDATE custody_held SET document = $1 WHERE scope = 'domain'`, []byte("{")); err != nil {
		t.Fatal(err)
	}
	held, err := b.Keeper.Views(ctx)
	if err != nil || len(held) != 2 {
		t.Fatalf("%+v, %v", held, err)
	}
	for _, h := range held {
		if want := h.ID == string(other); h.Good != want || h.Owner != owner {
			t.Errorf("%+v", h)
		}
	}
	w.sendAll()
	views, err := w.nodes[owner].Views(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		var got []Standing
		for _, s := range v.Shares {
			got = append(got, s.Standing)
		}
		want := []Standing{Gone, Proved, Proved}
		if v.ID == other {
			want[0] = Proved
			if v.Shares[0].Last == 0 {
				t.Error("no proof of the share that is well")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", v.Scope, got, want)
		}
	}
	if _, err := b.checkHeld(ctx); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("doctor finds nothing: %v", err)
	}
}
