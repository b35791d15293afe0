package lending

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

func TestDeletionIsSlowAndUndone(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		h := as(ana)
		var things []thing
		for seed := range uint64(20) {
			o := w.newThing(seed, 2000)
			w.mustPut(h, o, 0)
			things = append(things, o)
		}
		if b := deleteAll(t, w, h, things...); len(b.Deleted) != 0 || len(b.Later) != 20 {
			t.Fatalf("young shards: %d deleted, %d later", len(b.Deleted), len(b.Later))
		}
		w.pass(holder.MinAge + time.Minute)
		// A tenth of twenty is two.
		if b := deleteAll(t, w, h, things...); len(b.Deleted) != 2 || len(b.Later) != 18 {
			t.Fatalf("first day: %d deleted, %d later", len(b.Deleted), len(b.Later))
		}
		if b := deleteAll(t, w, h, things...); len(b.Deleted) != 2 || len(b.Later) != 18 {
			t.Fatalf("the same day again: %d deleted, %d later", len(b.Deleted), len(b.Later))
		}
		w.pass(24*time.Hour + time.Minute)
		b := deleteAll(t, w, h, things...)
		if len(b.Deleted) != 4 || len(b.Later) != 16 {
			t.Fatalf("next day: %d deleted, %d later", len(b.Deleted), len(b.Later))
		}
		page, err := h.List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 20 {
			t.Fatalf("the deleted are not listed: %v", err)
		}
		ref := holder.RefOf(things[0].heads[0].Header)
		if _, err := read(t.Context(), h, ref); err != nil {
			t.Errorf("a deleted shard does not read: %v", err)
		}
		if n, err := h.Undelete(t.Context(), b.Deleted); n != 4 || err != nil {
			t.Fatalf("undeleted %d, %v", n, err)
		}
	})
}

// Who keeps a tombstone cannot delete again what was undeleted.
func TestATombstoneWorksOnce(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		h, o := as(ana), w.newThing(1, 2000)
		w.mustPut(h, o, 0)
		w.pass(holder.MinAge + time.Minute)
		stone, err := holder.SignTombstone(ana, pruneKey(), []shard.Hash{o.object()}, core.At(w.now))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := h.Delete(t.Context(), stone); err != nil || len(b.Deleted) != 1 {
			t.Fatalf("%+v, %v", b, err)
		}
		if n, err := h.Undelete(t.Context(), []shard.Hash{o.object()}); n != 1 || err != nil {
			t.Fatalf("undeleted %d, %v", n, err)
		}
		w.pass(48 * time.Hour)
		if b, err := h.Delete(t.Context(), stone); err != nil || len(b.Deleted)+len(b.Later) != 0 {
			t.Errorf("replayed: %+v, %v", b, err)
		}
		if b := deleteAll(t, w, h, o); len(b.Deleted) != 1 {
			t.Errorf("a new tombstone: %+v", b)
		}
	})
}

func TestOnlyThePruneKeyDeletes(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 2000)
		w.mustPut(as(ana), o, 0)
		w.pass(holder.MinAge + time.Minute)
		another := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		forged, err := holder.SignTombstone(ana, another, []shard.Hash{o.object()}, core.At(w.now))
		if err != nil {
			t.Fatal(err)
		}
		_, err = as(ana).Delete(t.Context(), forged)
		wants(t, "another key", err, core.CodeDenied, "vault.bad_signature")
		good, err := holder.SignTombstone(ana, pruneKey(), []shard.Hash{o.object()}, core.At(w.now))
		if err != nil {
			t.Fatal(err)
		}
		_, err = as(eve).Delete(t.Context(), good)
		wants(t, "eve brings it", err, core.CodeDenied, "vault.not_yours")
		good.Document.Payload = forged.Document.Payload
		_, err = as(ana).Delete(t.Context(), good)
		wants(t, "payload and signature apart", err, core.CodeDenied, "")
	})
}

// After 30 days of the holder's clock a deleted shard goes to the trash, after a
// week more from the disk, and its place in the quota comes free.
func TestFreeAfterThirtyDays(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h, o, kept := w.store.For(ana), w.newThing(1, 2000), w.newThing(2, 2000)
		w.mustPut(h, o, 0)
		w.mustPut(h, kept, 0)
		w.pass(holder.MinAge + time.Minute)
		if b := deleteAll(t, w, h, o); len(b.Deleted) != 1 {
			t.Fatalf("%+v", b)
		}
		count := func() (n int) {
			t.Helper()
			if err := w.store.Free(t.Context()); err != nil {
				t.Fatal(err)
			}
			page, err := h.List(t.Context(), ana, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			return len(page.Shards)
		}
		w.pass(holder.Retention - time.Minute)
		if n := count(); n != 2 {
			t.Fatalf("%d shards before 30 days", n)
		}
		w.pass(2 * time.Minute)
		if n := count(); n != 1 {
			t.Fatalf("%d shards after 30 days", n)
		}
		files := func() (n int) {
			err := w.dir.Walk("", func(string) error { n++; return nil })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := files(); n != 2 {
			t.Errorf("%d files, want the kept and the one in the trash", n)
		}
		w.pass(trashTime + 25*time.Hour)
		count()
		if n := files(); n != 1 {
			t.Errorf("%d files after a week in the trash", n)
		}
		if used, err := w.store.records.used(t.Context(), ana); err != nil || used != shard.Charge(kept.heads[0].Size()+kept.heads[0].Length) {
			t.Errorf("used %d, %v", used, err)
		}
	})
}

// What a crash leaves: a reservation without a file, a file without a row.
func TestAfterACrash(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		o := w.newThing(1, 2000)
		dead := rowOf(o.heads[0], stateReserved, core.At(w.now))
		if _, err := w.store.records.reserve(t.Context(), dead, 1<<30); err != nil {
			t.Fatal(err)
		}
		_, err := o.put(t.Context(), w.store.For(ana), 0)
		wants(t, "reserved by the dead", err, core.CodeUnsure, "vault.busy")
		w.open()
		if err := w.store.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if used, err := w.store.records.used(t.Context(), ana); err != nil || used != 0 {
			t.Fatalf("%d bytes still reserved, %v", used, err)
		}
		// On disk and not confirmed: the next Put takes it as it is, if it is.
		name := fileOf(holder.RefOf(o.heads[0].Header))
		if _, err := w.dir.Put(t.Context(), name, io.MultiReader(bytes.NewReader(o.heads[0].Bytes()), bytes.NewReader(o.data[0]))); err != nil {
			t.Fatal(err)
		}
		w.mustPut(w.store.For(ana), o, 0)
		name = fileOf(holder.RefOf(o.heads[1].Header))
		if _, err := w.dir.Put(t.Context(), name, bytes.NewReader(o.heads[1].Bytes())); err != nil {
			t.Fatal(err)
		}
		w.mustPut(w.store.For(ana), o, 1)
		if got, err := read(t.Context(), w.store.For(ana), holder.RefOf(o.heads[1].Header)); err != nil || !bytes.Equal(got, o.data[1]) {
			t.Fatalf("a torn file was not replaced: %v", err)
		}
	})
}

func TestRescanMakesTheTablesAgain(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := w.store.For(ana)
		var things []thing
		for seed := range uint64(8) {
			o := w.newThing(seed, 3000)
			w.mustPut(h, o, 0)
			w.mustPut(h, o, 3)
			things = append(things, o)
		}
		before, err := h.List(t.Context(), ana, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"vault_stored", "vault_tenant"} {
			if _, err := db.Exec(t.Context(), d, "DELETE FROM "+table); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := read(t.Context(), h, holder.RefOf(things[0].heads[0].Header)); err != nil {
			t.Errorf("without tables nothing reads: %v", err)
		}
		if _, err := w.dir.Put(t.Context(), strings.Repeat("0", 64)+"/00/rubbish", strings.NewReader("rubbish")); err != nil {
			t.Fatal(err)
		}
		rescan := func(want int) holder.Page {
			t.Helper()
			if err := w.store.Rescan(t.Context()); err != nil {
				t.Fatal(err)
			}
			page, err := h.List(t.Context(), ana, "", 0)
			if err != nil || len(page.Shards) != want {
				t.Fatalf("%d shards, want %d, %v", len(page.Shards), want, err)
			}
			return page
		}
		if page := rescan(16); page.Used != before.Used {
			t.Errorf("used %d, was %d", page.Used, before.Used)
		}
		if _, err := db.Exec(t.Context(), d, "UPDATE vault_tenant SET bytes = bytes + 1099511627776, shards = 3"); err != nil {
			t.Fatal(err)
		}
		if page := rescan(16); page.Used != before.Used {
			t.Errorf("a flipped bit in the sum stays: used %d, was %d", page.Used, before.Used)
		}
		// A file gone by hand is noticed, one cut short is broken.
		if err := w.dir.Remove(fileOf(holder.RefOf(things[1].heads[0].Header))); err != nil {
			t.Fatal(err)
		}
		rescan(15)
		w.mustPut(h, things[1], 0)
		rescan(16)
	})
}

func TestScrubFindsWhatBroke(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := w.store.For(ana)
		good, bad, gone := w.newThing(1, 3000), w.newThing(2, 3000), w.newThing(3, 3000)
		for _, o := range []thing{good, bad, gone} {
			w.mustPut(h, o, 0)
		}
		flip(t, filepath.Join(w.path, filepath.FromSlash(fileOf(holder.RefOf(bad.heads[0].Header)))), -5)
		if err := os.Remove(filepath.Join(w.path, filepath.FromSlash(fileOf(holder.RefOf(gone.heads[0].Header))))); err != nil {
			t.Fatal(err)
		}
		w.pass(scrubEvery + time.Hour)
		if err := w.store.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		page, err := h.List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 1 || page.Shards[0].Object != good.object() {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

// A full disk refuses writes and nothing else.
func TestDiskFloor(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 2000)
		w.mustPut(as(ana), o, 0)
		w.store.disk.floor = 1 << 60
		_, err := o.put(t.Context(), as(ana), 1)
		wants(t, "below the floor", err, core.CodeFull, "vault.disk_full")
		w.mustPut(as(ana), o, 0)
		if _, err := read(t.Context(), as(ana), holder.RefOf(o.heads[0].Header)); err != nil {
			t.Errorf("reads stop with the disk: %v", err)
		}
		w.store.disk.floor = 0
		w.mustPut(as(ana), o, 1)
	})
}

func TestGateCountsEachAndAll(t *testing.T) {
	g := newGate(2, 3)
	enter := func(who core.MemberID) func() {
		t.Helper()
		leave, err := g.enter(who)
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	leave := enter(ana)
	enter(ana)
	_, err := g.enter(ana)
	wants(t, "third of ana", err, core.CodeUnsure, "vault.busy")
	enter(bo)
	_, err = g.enter(eve)
	wants(t, "fourth of all", err, core.CodeUnsure, "vault.busy")
	leave()
	enter(eve)
}

// A body that ends early, goes on too long, or whose sender is gone, leaves
// neither file nor reservation.
func TestBodiesThatAreNot(t *testing.T) {
	w := sqliteWorld(t)
	o := w.newThing(1, 2000)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		body io.Reader
		want core.Code
	}{
		"short":   {t.Context(), bytes.NewReader(o.data[0][:999]), core.CodeInvalid},
		"long":    {t.Context(), io.MultiReader(bytes.NewReader(o.data[0]), strings.NewReader("x")), core.CodeInvalid},
		"failing": {t.Context(), io.MultiReader(bytes.NewReader(o.data[0][:99]), failing{}), core.CodeInvalid},
		"gone":    {gone, bytes.NewReader(o.data[0]), ""},
	} {
		_, err := w.store.For(ana).Put(c.ctx, o.heads[0], c.body)
		if err == nil || c.want != "" && core.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if used, err := w.store.records.used(t.Context(), ana); err != nil || used != 0 {
		t.Errorf("%d bytes reserved, %v", used, err)
	}
	if err := w.dir.Walk("", func(name string) error { return errors.New("left behind: " + name) }); err != nil {
		t.Error(err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cable cut") }

// The pact's bits per second hold for all uploads of an owner together.
func TestPaceOfThePact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := paces{by: map[core.MemberID]*rate.Limiter{}}
		start := time.Now()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				body := p.reader(t.Context(), ana, 8*10_000, bytes.NewReader(make([]byte, 100_000)))
				if n, err := io.Copy(io.Discard, body); err != nil || n != 100_000 {
					t.Errorf("%d bytes, %v", n, err)
				}
			})
		}
		all.Wait()
		// 400 kB, 64 KiB of them at once, at 10 kB/s.
		if took := time.Since(start); took < 33*time.Second || took > 35*time.Second {
			t.Errorf("took %v", took)
		}
		if r := p.reader(t.Context(), bo, 0, strings.NewReader("x")); r.(*strings.Reader) == nil {
			t.Error("no limit is a limit")
		}
	})
}

// A shard that goes to the trash just now has no receipt: its owner must send it
// again.
func TestNoReceiptForWhatIsLeaving(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		o := w.newThing(1, 2000)
		w.mustPut(w.store.For(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		seen, err := find(t.Context(), d, ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.ExecContext(t.Context(), `UPDATE vault_stored SET state = $1`, stateLeaving); err != nil {
			t.Fatal(err)
		}
		_, err = view{w.store, ana}.again(t.Context(), o.heads[0], seen, 0, "nonce")
		wants(t, "leaving", err, core.CodeUnsure, "vault.busy")
	})
}

// One file that the disk does not read must not keep the others from being looked at.
func TestScrubGoesOnBehindAnUnreadableFile(t *testing.T) {
	w := sqliteWorld(t)
	first, second := w.newThing(1, 2000), w.newThing(2, 2000)
	w.mustPut(w.store.For(ana), first, 0)
	w.pass(time.Second)
	w.mustPut(w.store.For(ana), second, 0)
	path := func(o thing) string {
		return filepath.Join(w.path, filepath.FromSlash(fileOf(holder.RefOf(o.heads[0].Header))))
	}
	// A folder opens and does not read, as a file on bad sectors.
	if err := errors.Join(os.Remove(path(first)), os.Mkdir(path(first), 0o700), os.Truncate(path(second), 1500)); err != nil {
		t.Fatal(err)
	}
	w.pass(scrubEvery + time.Minute)
	if err := w.store.Scrub(t.Context()); err == nil {
		t.Error("an unreadable file is no error")
	}
	for o, want := range map[string]struct {
		thing
		state string
	}{"unreadable": {first, stateStored}, "broken": {second, stateBroken}} {
		if r, err := find(t.Context(), w.db, holder.RefOf(want.heads[0].Header)); err != nil || r.state != want.state {
			t.Errorf("the %s one is %s, %v", o, r.state, err)
		}
	}
}
