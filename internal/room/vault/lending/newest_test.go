package lending

import (
	"os"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

// whole is an object of ana's of which every shard is a copy, as a snapshot is.
func (w *world) whole(seed uint64) thing {
	w.t.Helper()
	o := w.newThing(seed, 900)
	base := o.heads[0].Header
	base.K, base.N, base.Sealed = 1, 2, int64(len(o.data[0]))
	base.Object = shard.ObjectID(o.data[0])
	head, err := shard.Sign(base.Of(0, o.data[0]), w.signers[ana])
	if err != nil {
		w.t.Fatal(err)
	}
	o.heads[0] = head
	return o
}

// The newest of what is stored is by when its owner made it, no later than when it came;
// what is moved here later makes nothing new.
func TestNewest(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := w.store.For(ana)
		check := func(what string, whole, newest core.Moment, ok bool) {
			t.Helper()
			gotWhole, gotNewest, gotOK, err := w.store.Newest(t.Context(), ana)
			if err != nil || gotWhole != whole || gotNewest != newest || gotOK != ok {
				t.Errorf("%s: %d, %d, %v, %v; want %d, %d", what, gotWhole, gotNewest, gotOK, err, whole, newest)
			}
		}
		check("nothing", 0, 0, false)
		data := w.newThing(1, 2000)
		first := core.At(w.now)
		w.mustPut(h, data, 0)
		check("data", 0, first, true)
		w.pass(time.Hour)
		snapshot, later := w.whole(2), w.whole(3)
		second := core.At(w.now)
		w.mustPut(h, snapshot, 0)
		check("a snapshot", second, second, true)
		w.pass(48 * time.Hour)
		w.mustPut(h, data, 1)
		w.mustPut(h, later, 0)
		check("moved here two days later", second, second, true)
		// An owner whose clock is ahead makes nothing newer than its coming.
		w.now = w.now.Add(100 * time.Hour)
		ahead := w.whole(4)
		w.now = w.now.Add(-99 * time.Hour)
		w.mustPut(h, ahead, 0)
		check("a clock that is ahead", core.At(w.now), core.At(w.now), true)
		if _, _, ok, err := w.store.Newest(t.Context(), eve); ok || err != nil {
			t.Error(ok, err)
		}
		if err := os.RemoveAll(w.path); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := w.store.Newest(t.Context(), ana); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("the disk is away: %v", err)
		}
	})
}

// Hundreds of shards that were moved here after the newest snapshot do not hide it.
func TestNewestBehindMany(t *testing.T) {
	w := sqliteWorld(t)
	h := w.store.For(ana)
	old := make([]thing, newestPage+20)
	for i := range old {
		old[i] = w.newThing(uint64(100+i), 20)
	}
	w.pass(time.Hour)
	snapshot := w.whole(2)
	made := core.At(w.now)
	w.mustPut(h, snapshot, 0)
	for _, o := range old {
		w.pass(time.Second)
		w.mustPut(h, o, 0)
	}
	if whole, newest, ok, err := w.store.Newest(t.Context(), ana); whole != made || newest != made || !ok || err != nil {
		t.Error(whole, newest, ok, err)
	}
}
