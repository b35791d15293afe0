package holder

import (
	"bytes"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lukechampine.com/blake3/bao"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

// proofOf proves a group of data, whose tree it makes; sound is prove's.
func proofOf(t testing.TB, data []byte, off int64) (_ Proof, sound bool, root shard.Hash) {
	t.Helper()
	hasher := &treeHasher{}
	_, _ = hasher.Write(data)
	root, trees := hasher.sum()
	proof, sound, err := prove(bytes.NewReader(data), int64(len(data)), off, root, trees)
	if err != nil {
		t.Fatal(err)
	}
	return proof, sound, root
}

// The tree is BLAKE3's and the slices are Bao's, as its own library makes them.
func TestTreeIsBao(t *testing.T) {
	data := make([]byte, 5*subtree+Group+17)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	for _, n := range []int{
		1, 63, 1024, Group - 1, Group, Group + 1, 3 * Group, subtree - 1, subtree, subtree + 1,
		subtree + Group, 2 * subtree, 3*subtree - 5, 4 * subtree, 5*subtree + 1, len(data),
	} {
		tree, want := bao.EncodeBuf(data[:n], baoGroup, true)
		for _, off := range []int64{0, int64(n) / 3, int64(n) - 1} {
			proof, sound, root := proofOf(t, data[:n], off)
			if !sound || root != want {
				t.Fatalf("%d bytes: root %s, sound %v", n, root, sound)
			}
			start, size := groupAt(int64(n), off)
			var slice bytes.Buffer
			err := bao.ExtractSlice(&slice, bytes.NewReader(data[start:start+size]), bytes.NewReader(tree), baoGroup,
				uint64(start), uint64(size))
			if err != nil || !bytes.Equal(proof.Slice, slice.Bytes()) {
				t.Errorf("%d bytes at %d: another slice, %v", n, off, err)
			}
		}
	}
}

// counted counts what is read of some data.
type counted struct {
	io.ReaderAt
	bytes int
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.bytes += n
	return n, err
}

// An audit reads one subtree, however large the shard.
func TestAuditReadsASlice(t *testing.T) {
	data := make([]byte, 40*subtree)
	hasher := &treeHasher{}
	_, _ = hasher.Write(data)
	root, trees := hasher.sum()
	disk := &counted{ReaderAt: bytes.NewReader(data)}
	if _, sound, err := prove(disk, int64(len(data)), 23*subtree+5, root, trees); !sound || err != nil || disk.bytes != subtree {
		t.Errorf("sound %v, %d bytes read, %v", sound, disk.bytes, err)
	}
}

// Large shards are audited with the tree in their row; one that was lost or damaged there
// is made again from the file, and a bit flipped in the file is found where it is.
func TestAuditOfALargeShard(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h, o := w.local.For(ana), w.newThing(1, 6*subtree)
		w.mustPut(h, o, 0)
		ref := RefOf(o.heads[0].Header)
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
			if _, err := d.ExecContext(t.Context(), `UPDATE vault_held SET tree = $1`, tree); err != nil {
				t.Fatal(err)
			}
			proof, err := h.Audit(t.Context(), ref, subtree+3)
			if err == nil {
				_, err = proof.Check(ref, bo)
			}
			if err != nil || kept() != 3*32 {
				t.Errorf("%d bytes in the row: %v, then %d", len(tree), err, kept())
			}
		}
		flip(t, filepath.Join(w.path, filepath.FromSlash(ref.file())), int(o.heads[0].Size())+2*subtree+9)
		if _, err := h.Audit(t.Context(), ref, 0); err != nil {
			t.Errorf("audit elsewhere: %v", err)
		}
		_, err := h.Audit(t.Context(), ref, 2*subtree)
		wants(t, "audit there", err, core.CodeNotFound, "vault.shard_broken")
	})
}

// What a member has read here in a day is bounded; then it is told to wait, not that its
// shard is wrong, and others go on.
func TestBudgetOfAudits(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) Holder) {
		o := w.newThing(1, 2000)
		w.mustPut(as(ana), o, 0)
		ref := RefOf(o.heads[0].Header)
		if err := (view{w.local, ana}).spend(readsPerDay); err != nil {
			t.Fatal(err)
		}
		_, err := as(ana).Audit(t.Context(), ref, 0)
		wants(t, "audit", err, core.CodeUnsure, "vault.busy")
		_, err = o.put(t.Context(), as(ana), 0)
		wants(t, "sent again", err, core.CodeUnsure, "vault.busy")
		if _, err := read(t.Context(), as(ana), ref); err != nil {
			t.Errorf("a read: %v", err)
		}
		if err := (view{w.local, eve}).spend(1); err != nil {
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
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) Holder) {
		w.allow(ana, core.Allowance{Grant: core.Grant{Bytes: 100_000}})
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

// Rows of an earlier version are counted anew when the tables are brought up to date.
func TestChargeOfOldRows(t *testing.T) {
	old := fstest.MapFS{}
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if data, err := fs.ReadFile(migrations.Files, name); err != nil {
			t.Fatal(err)
		} else if name < "0007_charge.sql" {
			old[name] = &fstest.MapFile{Data: data}
		}
	}
	dbtest.Each(t, "vault", old, func(t *testing.T, d *db.DB) {
		for i, bytes := range []int64{1100, 4096, 5000} {
			if _, err := d.ExecContext(t.Context(), `INSERT INTO vault_held (owner, object, idx, state, bytes, length, root, prune, head,
				received_us, keep_us, checked_us, buried_us, tomb_us) VALUES ('ana.test', $1, 0, 'held', $2, 1, '', '', '', 1, 0, 1, 0, 0)`,
				strings.Repeat(string(rune('a'+i)), 64), bytes); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.ExecContext(t.Context(), `INSERT INTO vault_tenant (owner, bytes, shards) VALUES ('ana.test', 10196, 3), ('bo.test', 0, 0)`); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), d, "vault", migrations.Files); err != nil {
			t.Fatal(err)
		}
		want := shard.Charge(1100) + shard.Charge(4096) + shard.Charge(5000)
		if used, err := (store{d}).used(t.Context(), ana); err != nil || used != want || want != 28<<10 {
			t.Errorf("used %d, want %d, %v", used, want, err)
		}
		if used, err := (store{d}).used(t.Context(), bo); err != nil || used != 0 {
			t.Errorf("nothing counts %d, %v", used, err)
		}
	})
}
