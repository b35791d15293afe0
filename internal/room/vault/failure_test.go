package vault

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
	"entrechat/internal/room/vault/shipping"
	"entrechat/internal/room/vault/upkeep"
)

// quiet stops the owner's node and opens its room with no job running.
func (w *world) quiet() {
	w.t.Helper()
	w.settled()
	w.stop()
	w.open()
	w.t.Cleanup(func() { _ = w.room.n.DB.Close() })
}

func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.room.n.DB.ExecContext(w.t.Context(), statement, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) object(id shard.Hash) catalogue.Object {
	w.t.Helper()
	o, err := w.room.store.Objects.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// A receipt that could not be written down counts for nothing: the file stays on
// the local store, and no snapshot is acknowledged on top of it.
func TestReceiptsThatAreNotWrittenDownDoNotCount(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.quiet()
	body := randomBytes(100_000, 1)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	w.exec(`CREATE TRIGGER full BEFORE INSERT ON vault_placement BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	if err := w.room.shipping.ShipOne(t.Context(), o.ID, func() {}); err == nil {
		t.Error("failing to write receipts is no error")
	}
	if o := w.object(o.ID); o.State != catalogue.Waiting || o.Safe != 0 || o.Local == "" {
		t.Fatalf("taken for off-site: %+v", o)
	}
	w.exec(`DROP TRIGGER full`)
	if err := w.room.shipping.ShipOne(t.Context(), o.ID, func() {}); err != nil {
		t.Fatal(err)
	}
	if o := w.object(o.ID); o.State != catalogue.Placed {
		t.Fatalf("%+v", o)
	}
}

// A disk that has no room for the new form of a file is tried again after a pause,
// not at once and for ever.
func TestASealingThatFailsWaits(t *testing.T) {
	w := newWorld(t, 6)
	w.recodeAfter = 1
	w.create("files")
	w.quiet()
	body := randomBytes(100_000, 1)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	w.mu.Lock()
	w.lent = w.lent[:2] // fewer than its code wants
	w.mu.Unlock()
	w.forgive()
	if err := w.room.store.Queue.Postpone(t.Context(), o.ID, 5, 0); err != nil {
		t.Fatal(err)
	}
	w.room.shipping.Local = w.room.local.WithFloor(1 << 60)
	if err := w.room.shipping.ShipOne(t.Context(), o.ID, func() {}); core.CodeOf(err) != core.CodeFull {
		t.Fatal(err)
	}
	if o := w.object(o.ID); o.Next <= core.At(time.Now()) {
		t.Fatalf("due again at once: %+v", o)
	}
}

// A member that says of every shard that it has another one cannot have a file
// sealed and sent anew without end.
func TestAMemberThatAlwaysConflicts(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.settled()
	w.members[0].set(conflicting)
	w.client("files", "").put(rest.Data, randomBytes(50_000, 1))
	w.client("files", "").put(rest.Snapshots, []byte("a snapshot"))
	var troubles []catalogue.Trouble
	w.eventually("the member is named", func() (ok bool) {
		var err error
		troubles, err = w.room.store.Troubles.Since(t.Context(), 0)
		return err == nil && len(troubles) > 0 && troubles[0].Member == w.members[0].id
	})
	var forms int64
	row := w.room.n.DB.QueryRowContext(t.Context(), `SELECT count(*) FROM vault_object WHERE kind = 'data'`)
	if err := row.Scan(&forms); err != nil {
		t.Fatal(err)
	}
	if forms > 2 {
		t.Errorf("sealed %d times", forms)
	}
	w.members[0].set(honest)
	w.forgive()
	w.settled()
}

// A new form of a file is on this disk only, whatever the old one was: a start in
// between keeps it.
func TestANewFormIsNotOffSiteYet(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.quiet()
	body := randomBytes(100_000, 1)
	h := rest.Handle{Type: rest.Data, Name: nameOf(body)}
	o := w.accept(h, body)
	w.exec(`UPDATE vault_object SET made_us = $1, state = 'safe', safe_us = 1 WHERE object = $2`, int64(core.At(time.Now().Add(-2*shipping.Linger))), o.ID.String())
	if err := w.room.shipping.ReEncode(t.Context(), w.object(o.ID)); err != nil {
		t.Fatal(err)
	}
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh, err := w.room.store.Objects.File(t.Context(), "files", h, 0)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Local == "" || fresh.State != catalogue.Waiting {
		t.Fatalf("nobody has it: %+v", fresh)
	}
}

// A file that was removed while it was sealed anew leaves nothing behind.
func TestRemovedWhileSealedAnew(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.quiet()
	body := randomBytes(100_000, 1)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	if err := w.room.store.Objects.Delete(t.Context(), o.ID, 1); err != nil {
		t.Fatal(err)
	}
	before := w.onDisk()
	if err := w.room.shipping.ReEncode(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if after := w.onDisk(); !slices.Equal(after, before) {
		t.Errorf("in the local store %v, before %v", after, before)
	}
}

func (w *world) onDisk() (names []string) {
	w.t.Helper()
	if err := w.room.local.Walk("", func(name string) error { names = append(names, name); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return names
}

// As of a day before a file was cut anew, the form that is whole is read.
func TestThePastHasTheFormThatIsWhole(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.quiet()
	body := randomBytes(1000, 1)
	h := rest.Handle{Type: rest.Data, Name: nameOf(body)}
	old := w.accept(h, body)
	w.exec(`UPDATE vault_object SET made_us = 1 WHERE object = $1`, old.ID.String())
	if err := w.room.shipping.ReEncode(t.Context(), w.object(old.ID)); err != nil {
		t.Fatal(err)
	}
	if o, err := w.room.store.Objects.File(t.Context(), "files", h, 2); err != nil || o.ID == old.ID {
		t.Fatalf("the form that was given up: %+v, %v", o, err)
	}
}

// When nobody has answered us for days it is our line that is down: nobody is given
// up.
func TestOurOwnOutageGivesNobodyUp(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.client("files", "").put(rest.Data, randomBytes(100_000, 7))
	w.quiet()
	for _, m := range w.members {
		if err := w.room.store.Lenders.SetState(t.Context(), m.id, catalogue.LenderState{Bad: core.At(time.Now().Add(-catalogue.Absent - time.Minute))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.room.upkeep.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holders, err := w.room.store.Placements.Holders(t.Context()); err != nil || len(holders) != 3 {
		t.Fatalf("%v still count, %v", holders, err)
	}
}

// Shards that were given up are still asked for when there are no others, and count
// again when they are there.
func TestWhatWasGivenUpIsStillRead(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(100_000, 7)
	path := c.put(rest.Data, body)
	w.settled()
	for _, m := range w.members {
		m.set(refusing) // nothing new is taken
		if _, err := w.room.store.Placements.GiveUp(t.Context(), m.id); err != nil {
			t.Fatal(err)
		}
	}
	w.room.retrieve.Cache.Clear()
	if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Fatalf("status %d", status)
	}
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.room.store.Placements.Of(t.Context(), o.ID)
	if err != nil || len(catalogue.OnlyStored(all)) < o.Code.K {
		t.Errorf("%d count again, %v", len(catalogue.OnlyStored(all)), err)
	}
}

// A flipped bit on this disk does not keep from the reader what every member has.
func TestABrokenLocalStoreIsReadAround(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(5000, 7)
	path := c.put(rest.Index, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Index, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "vault", "shelf", filepath.FromSlash(o.Local))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-100] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE vault_object SET made_us = 1`) // long ago: what was just written is trusted
	if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Fatalf("status %d, %d bytes", status, len(got))
	}
	if _, err := w.room.retrieve.FromLocal(w.object(o.ID)); err != nil {
		t.Errorf("it stays broken: %v", err)
	}
}

// What was wrong with shards of a file that is removed is over.
func TestTroubleEndsWithTheFile(t *testing.T) {
	w := newWorld(t, 3)
	made := w.create("files")
	body := randomBytes(5000, 7)
	path := w.client("files", "").put(rest.Data, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = w.room.store.Troubles.Add(t.Context(), catalogue.Trouble{Member: "m0.test", Kind: catalogue.TroubleLost, Object: o.ID.String(), Last: 1})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := w.client("files", made.Prune).do("DELETE", path, nil); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	troubles, err := w.room.store.Troubles.Since(t.Context(), 0)
	if err != nil || len(troubles) != 1 || troubles[0].Over == 0 {
		t.Fatalf("%+v %v", troubles, err)
	}
}

// late gives a tombstone to its member only after something else happened.
type late struct {
	holder.Holder
	first func()
}

func (l late) Delete(ctx context.Context, t holder.Tombstone) (holder.Deletion, error) {
	l.first()
	return l.Holder.Delete(ctx, t)
}

// A tombstone that was on its way while everything was brought back does not delete it
// after all.
func TestUndeleteWhileTombstonesAreOnTheirWay(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	body := randomBytes(10_000, 8)
	path := w.client("files", "").put(rest.Data, body)
	w.settled()
	for _, m := range w.members { // old enough to be deleted
		if _, err := m.db.ExecContext(t.Context(), `UPDATE vault_stored SET received_us = 1`); err != nil {
			t.Fatal(err)
		}
	}
	if status, text := w.client("files", made.Prune).do("DELETE", path, nil); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	honest, once := w.room.n.Holder, sync.Once{}
	w.room.n.Holder = func(id core.MemberID) holder.Holder {
		return late{honest(id), func() {
			once.Do(func() {
				if n, err := w.room.removals.Undelete(t.Context(), "files", 0); n != 1 || err != nil {
					t.Error(n, err)
				}
			})
		}}
	}
	if err := w.room.removals.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range w.members {
		var deleted int64
		if err := m.db.QueryRowContext(t.Context(), `SELECT count(*) FROM vault_stored WHERE deleted_us > 0`).Scan(&deleted); err != nil || deleted != 0 {
			t.Errorf("%s has %d deleted shards, %v", m.id, deleted, err)
		}
	}
}

// A pool that grew has more copies of everything, however many files there are that
// want none.
func TestWideningIsNotHeldUpByWhatIsWideEnough(t *testing.T) {
	w := newWorld(t, 5)
	w.create("files")
	w.quiet()
	for i := range upkeep.RepairBatch + 1 { // three copies of an index are right for five members
		w.exec(`INSERT INTO vault_object (object, repo, kind, name, size, sealed, k, n, seq, file, state, tries, next_us, made_us, safe_us, deleted_us, sealed_to) VALUES ($1, 'files', 'index', $1, 1, 1, 1, 3, 1, '', 'placed', 0, 0, 1, 1, 0, '')`,
			shard.Hash{1, byte(i), byte(i >> 8)}.String())
	}
	body := randomBytes(100, 1)
	o := w.accept(rest.Handle{Type: rest.Snapshots, Name: nameOf(body)}, body)
	w.exec(`UPDATE vault_object SET k = 1, n = 3, state = 'placed' WHERE object = $1`, o.ID.String())
	if err := w.room.upkeep.AddReplicas(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := w.object(o.ID); o.Code.N != 5 || o.State != catalogue.Safe {
		t.Errorf("%+v", o)
	}
}

// A file that was on its way, in two copies, when a third member came back, has its
// third copy once it is placed.
func TestWhatWasOnItsWayIsWidenedToo(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.quiet()
	body := randomBytes(100, 1)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	w.exec(`UPDATE vault_object SET k = 1, n = 2, state = 'waiting' WHERE object = $1`, o.ID.String())
	for _, state := range []string{"waiting", "placed"} {
		w.exec(`UPDATE vault_object SET state = $2 WHERE object = $1`, o.ID.String(), state)
		if err := w.room.upkeep.AddReplicasAtReturned(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if o := w.object(o.ID); o.Code.N != 3 || o.State != catalogue.Safe {
		t.Errorf("%+v", o)
	}
}
