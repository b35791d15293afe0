package pack

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
)

// TestStolenKey: who stole the owner's key sends a pack with other people in it and the highest
// number. Once the key is given up the owner's pack counts again, and the next one is taken.
func TestStolenKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		a, other := pair(t, d)
		a.filled()
		a.ok(a.Deliver(ctx))
		mine, _, err := other.Held(ctx, owner, "mail")
		a.ok(err)
		thief := a.ring.node(dbtest.SQLite(t, "succession", migrations.Files), owner)
		thief.made = 1<<53 - 2
		thief.name(b)
		thief.filled()
		a.ok(thief.Deliver(ctx))
		if p, _, err := other.Held(ctx, owner, "mail"); err != nil || p.Number != 1<<53-1 {
			t.Fatalf("the thief's pack: %d, %v", p.Number, err)
		}
		_, a.ring.keys[owner], err = ed25519.GenerateKey(rand.Reader)
		a.ok(err)
		again := a.ring.node(d, owner)
		if p, content, _, err := again.Last(ctx, "mail"); err != nil || p.ID != mine.ID || content != "" {
			t.Errorf("the owner's last pack, by its old key, is not to be made anew: %v", err)
		}
		if p, _, err := other.Held(ctx, owner, "mail"); err != nil || p.Owner != owner {
			t.Errorf("while no pack by the new key is here: %v", err)
		}
		again.made = 1
		again.filled()
		a.ok(again.DeliverNow(ctx, "mail"))
		if p, _, err := other.Held(ctx, owner, "mail"); err != nil || p.Number != 2 {
			t.Errorf("b holds %d, %v", p.Number, err)
		}
		if err := thief.n.Peer.JSON(ctx, b, http.MethodPost, pathPack, offer{mine.Document, rand.Text()}, nil); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("the thief comes again: %v", err)
		}
	})
}
