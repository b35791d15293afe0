package lending

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
)

// Large shards are audited with the tree in their row; one that was lost or damaged there
// is made again from the file, and a bit flipped in the file is found where it is.
func TestAuditOfALargeShard(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h, o := w.store.For(ana), w.newThing(1, 6*holder.Subtree)
		w.mustPut(h, o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		kept := func() int {
			r, err := find(t.Context(), d, ref)
			if err != nil {
				t.Fatal(err)
			}
			return len(r.tree)
		}
		if kept() != 3*32 {
			t.Fatalf("a tree of %d bytes", kept())
		}
		for _, tree := range [][]byte{{}, bytes.Repeat([]byte{7}, 3*32), {1}} {
			if _, err := d.ExecContext(t.Context(), `UPDATE vault_stored SET tree = $1`, tree); err != nil {
				t.Fatal(err)
			}
			proof, err := h.Audit(t.Context(), ref, holder.Subtree+3)
			if err == nil {
				_, err = proof.Check(ref, bo)
			}
			if err != nil || kept() != 3*32 {
				t.Errorf("%d bytes in the row: %v, then %d", len(tree), err, kept())
			}
		}
		flip(t, filepath.Join(w.path, filepath.FromSlash(fileOf(ref))), int(o.heads[0].Size())+2*holder.Subtree+9)
		if _, err := h.Audit(t.Context(), ref, 0); err != nil {
			t.Errorf("audit elsewhere: %v", err)
		}
		_, err := h.Audit(t.Context(), ref, 2*holder.Subtree)
		wants(t, "audit there", err, core.CodeNotFound, "vault.shard_broken")
	})
}

// What a member has read here in a day is bounded; then it is told to wait, not that its
// shard is wrong, and others go on.
func TestBudgetOfAudits(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 2000)
		w.mustPut(as(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		if err := (view{w.store, ana}).spend(readsPerDay); err != nil {
			t.Fatal(err)
		}
		_, err := as(ana).Audit(t.Context(), ref, 0)
		wants(t, "audit", err, core.CodeUnsure, "vault.busy")
		_, err = o.put(t.Context(), as(ana), 0)
		wants(t, "sent again", err, core.CodeUnsure, "vault.busy")
		if _, err := read(t.Context(), as(ana), ref); err != nil {
			t.Errorf("a read: %v", err)
		}
		if err := (view{w.store, eve}).spend(1); err != nil {
			t.Errorf("another member: %v", err)
		}
		w.pass(time.Hour)
		if _, err := as(ana).Audit(t.Context(), ref, 0); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

// Many tiny shards count what they cost.
func TestTinyShardsCountTheirBlocks(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		w.allow(ana, core.Allowance{Grant: holder.StoreGrant(100_000)})
		kept := 0
		for seed := range uint64(100) {
			_, err := w.newThing(seed, 2).put(t.Context(), as(ana), 0)
			if core.CodeOf(err) == core.CodeFull {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			kept++
		}
		if kept != 12 { // of 8 KiB
			t.Errorf("%d shards of one byte in 100 kB", kept)
		}
	})
}
