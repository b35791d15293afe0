package lending

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
)

// A store whose disk is not mounted says that, and nothing about shards; tombstones are
// taken all the same. When the disk is back everything is as it was.
func TestStoreThatIsAway(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		h, o, other := as(ana), w.newThing(1, 3000), w.newThing(2, 3000)
		w.mustPut(h, o, 0)
		w.pass(holder.MinAge + time.Minute)
		ref, away := holder.RefOf(o.heads[0].Header), w.path+".unmounted"
		if err := os.Rename(w.path, away); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(w.path, 0o700); err != nil {
			t.Fatal(err)
		}
		said := map[string]error{}
		_, said["put"] = other.put(t.Context(), h, 0)
		_, said["the same again"] = o.put(t.Context(), h, 0)
		_, said["get"] = read(t.Context(), h, ref)
		_, said["list"] = h.List(t.Context(), ana, "", 0)
		_, said["audit"] = h.Audit(t.Context(), ref, 0)
		for what, err := range said {
			wants(t, what, err, core.CodeUnsure, "vault.store_away")
		}
		for what, job := range map[string]func(context.Context) error{"rescan": w.store.Rescan, "scrub": w.store.Scrub, "start": w.store.Start} {
			if err := job(t.Context()); err == nil && what == "rescan" {
				t.Errorf("%s: an absent store is no error", what)
			}
		}
		w.pass(scrubEvery)
		if err := w.store.Scrub(t.Context()); err == nil {
			t.Error("the scrub says nothing")
		}
		if _, err := w.store.CheckStore(t.Context()); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("doctor: %v", err)
		}
		if b := deleteAll(t, w, h, o); len(b.Deleted) != 1 {
			t.Errorf("the tombstone was not taken: %+v", b)
		}
		if entries, err := os.ReadDir(w.path); err != nil || len(entries) != 0 {
			t.Errorf("written onto the mount point: %v, %v", entries, err)
		}
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(away, w.path); err != nil {
			t.Fatal(err)
		}
		if got, err := read(t.Context(), h, ref); err != nil || !bytes.Equal(got, o.data[0]) {
			t.Errorf("mounted again: %v", err)
		}
		page, err := h.List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 1 || page.Shards[0].Deleted == 0 {
			t.Errorf("mounted again, the list: %+v, %v", page, err)
		}
		w.mustPut(h, other, 0)
	})
}

// A store that was lost for good is begun anew: what was in it is no longer said to be
// kept.
func TestAcceptAnEmptyStore(t *testing.T) {
	w := sqliteWorld(t)
	h, o := w.store.For(ana), w.newThing(1, 3000)
	w.mustPut(h, o, 0)
	if err := os.RemoveAll(w.path); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page, err := h.List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 0 || page.Used != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	w.mustPut(h, o, 0)
}

// `doctor` looks for shards on the disk, not only in the tables.
func TestCheckStore(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := w.store.For(ana)
		check := func(want string) {
			t.Helper()
			found, err := w.store.CheckStore(t.Context())
			got := found.Key
			if err != nil {
				got = keyOf(err)
			}
			if got != want {
				t.Errorf("%q, %v, want %s", got, err, want)
			}
		}
		check("vault.store_empty")
		var things []thing
		for seed := range uint64(5) {
			things = append(things, w.newThing(seed, 2000))
			w.mustPut(h, things[seed], 0)
		}
		check("vault.store_sampled")
		path := func(o thing) string {
			return filepath.Join(w.path, filepath.FromSlash(fileOf(holder.RefOf(o.heads[0].Header))))
		}
		if err := os.Rename(path(things[1]), path(things[1])+".away"); err != nil {
			t.Fatal(err)
		}
		check("vault.store_gaps")
		if err := os.Rename(path(things[1])+".away", path(things[1])); err != nil {
			t.Fatal(err)
		}
		flip(t, path(things[2]), -1)
		w.pass(scrubEvery + time.Minute)
		if err := w.store.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("vault.store_broken")
		// Its owner put it elsewhere: it does not count for ever.
		before, err := h.List(t.Context(), ana, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(holder.Retention + time.Minute)
		if err := w.store.Free(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := h.List(t.Context(), ana, "", 0)
		if err != nil || after.Used >= before.Used {
			t.Errorf("used %d, was %d, %v", after.Used, before.Used, err)
		}
		check("vault.store_sampled")
	})
}

// A file that cannot be read is named, and neither missing nor in the way of others.
func TestUnreadableIsNotMissing(t *testing.T) {
	w := sqliteWorld(t)
	h := w.store.For(ana)
	var things []thing
	for seed := range uint64(3) {
		things = append(things, w.newThing(seed, 2000))
		w.mustPut(h, things[seed], 0)
	}
	ref := holder.RefOf(things[0].heads[0].Header)
	path := filepath.Join(w.path, filepath.FromSlash(fileOf(ref)))
	// A link to itself cannot be opened, by root neither.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Base(path), path); err != nil {
		t.Fatal(err)
	}
	// Another one has no row: it is found all the same.
	if _, err := w.db.ExecContext(t.Context(), `DELETE FROM vault_stored WHERE object = $1`, things[2].object().String()); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Rescan(t.Context()); err == nil || !strings.Contains(err.Error(), ref.Name()) {
		t.Errorf("it is not named: %v", err)
	}
	if page, err := h.List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 3 {
		t.Errorf("%d shards, %v", len(page.Shards), err)
	}
	if _, err := w.store.CheckStore(t.Context()); err == nil || keyOf(err) == "vault.store_gaps" {
		t.Errorf("doctor: %v", err)
	}
	_, err := h.Audit(t.Context(), ref, 0)
	if code := core.CodeOf(err); code == core.CodeNotFound || code == core.CodeInvalid || err == nil {
		t.Errorf("its owner hears %v", err)
	}
}
