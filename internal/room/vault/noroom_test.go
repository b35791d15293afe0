package vault

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/rest"
)

// pledges sets how many bytes each member grants, in order.
func (w *world) pledges(all ...int64) {
	w.mu.Lock()
	for i := range w.lent {
		w.lent[i].Grant = holder.StoreGrant(all[min(i, len(all)-1)])
	}
	w.mu.Unlock()
	w.forgive()
}

// aLock is a body that restic could have written as a lock.
func aLock(seed byte) []byte { return randomBytes(170, seed) }

// Two pacts that are too small: restic is told 507, everybody is told who has no room
// and since when, and what is there can be removed and pruned.
func TestFullPoolThroughRestic(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 2)
	w.pledges(10 << 20)
	made := w.create("files")
	program, env, prune := resticNew(t), w.env("files", ""), w.env("files", made.Prune)
	small, large := filepath.Join(t.TempDir(), "small"), filepath.Join(t.TempDir(), "large")
	writeTree(t, small, 4, 1_000_000, 1)
	writeTree(t, large, 10, 3_000_000, 2)
	w.restic(program, env, "init")
	w.restic(program, env, "backup", "--pack-size", "4", small)
	if short := w.noRoom(); short != nil {
		t.Fatalf("no room is said while there is: %+v", short)
	}
	out, err := w.tryRestic(program, env, "backup", "--pack-size", "4", large)
	if err == nil || !strings.Contains(out, "507") {
		t.Fatalf("%v\n%s", err, out)
	}
	if short := w.noRoom(); short == nil || short.Since == 0 || len(short.Members) != 2 {
		t.Errorf("restic was refused, and status says %+v", short)
	}
	if _, err := w.room.doctor.CheckRoom(t.Context()); core.CodeOf(err) != core.CodeFull {
		t.Errorf("doctor says %v", err)
	}
	w.restic(program, env, "backup", "--pack-size", "4", filepath.Join(small, "a")) // what is there needs no room
	w.restic(program, prune, "forget", "--keep-last", "1", "--prune", "--max-repack-size", "0", "--group-by", "host")
	w.restic(program, env, "check")
	w.pledges(100 << 20)
	if err := w.room.admission.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if short := w.noRoom(); short != nil {
		t.Errorf("there is room again, and status says %+v", short)
	}
	w.restic(program, env, "backup", "--pack-size", "4", large)
}

// Room for one file is not promised to two that come at the same time.
func TestRoomIsPromisedOnce(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	w.pledges(1_000_000)
	first, err := w.room.admission.Admit(t.Context(), catalogue.Object{Repo: "files", File: rest.Handle{Type: rest.Data, Name: "one"}, Size: 500_000})
	if err != nil {
		t.Fatal(err)
	}
	two := catalogue.Object{Repo: "files", File: rest.Handle{Type: rest.Data, Name: "two"}, Size: 500_000}
	if _, err := w.room.admission.Admit(t.Context(), two); core.CodeOf(err) != core.CodeFull {
		t.Errorf("the same room is promised twice: %v", err)
	}
	first() // restic broke off
	if err := w.room.admission.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if short := w.noRoom(); short == nil || len(short.Members) != 2 {
		t.Errorf("both do not fit, and status says %+v", short)
	}
	if _, err := w.room.admission.Admit(t.Context(), two); err != nil {
		t.Errorf("the room is free again: %v", err)
	}
}

func (w *world) noRoom() *pool.NoRoom {
	w.t.Helper()
	report, err := w.room.doctor.Status(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return report.NoRoom
}

// A pack that fits nowhere, left by a run that failed, with the index that names it:
// the index of a prune does not wait for it. A snapshot does, because restic may have
// taken the pack's content for saved; it is refused at once.
func TestRestOfAFailedRunDoesNotHoldUpAPrune(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	w.settled()
	w.pledges(300_000)
	body, named := randomBytes(400_000, 1), []byte("names the pack")
	pack := rest.Handle{Type: rest.Data, Name: nameOf(body)}
	w.accept(pack, body)
	w.accept(rest.Handle{Type: rest.Index, Name: nameOf(named)}, named)
	if err := w.room.admission.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if short := w.noRoom(); short == nil || short.Files != 1 || short.Bytes < 400_000 {
		t.Fatalf("a pack fits nowhere, and status says %+v", short)
	}
	c, prune := w.client("files", ""), w.client("files", made.Prune)
	snapshot := []byte("a snapshot")
	if status, text := c.do("POST", "/snapshots/"+nameOf(snapshot), snapshot); status != http.StatusInsufficientStorage {
		t.Errorf("a snapshot that may need it: %d %s", status, text)
	}
	lock := prune.put(rest.Locks, aLock(1))
	prune.put(rest.Index, []byte("names it no more"))
	for _, path := range []string{"/index/" + nameOf(named), "/data/" + pack.Name, lock} {
		if status, text := prune.do("DELETE", path, nil); status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	if err := w.room.admission.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if short := w.noRoom(); short != nil && short.Files > 0 {
		t.Errorf("nothing waits, and status says %+v", short)
	}
	c.put(rest.Snapshots, snapshot)
}

// The packs of a prune itself are off-site before its index is acknowledged: restic
// removes the old ones then.
func TestPruneWaitsForWhatItRepacked(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	w.settled()
	w.conducts(everyone(2, away)...)
	prune := w.client("files", made.Prune)
	old, fresh := randomBytes(1000, 1), randomBytes(1000, 2)
	w.accept(rest.Handle{Type: rest.Data, Name: nameOf(old)}, old)
	prune.put(rest.Locks, aLock(1))
	prune.put(rest.Data, fresh)
	o := w.accept(rest.Handle{Type: rest.Index, Name: nameOf([]byte("i"))}, []byte("i"))
	needed, err := w.room.store.Queue.Needed(t.Context(), o, w.room.locks.began("files"))
	if err != nil || len(needed) != 2 {
		t.Fatalf("the index waits for %d files, want itself and the new pack: %v", len(needed), err)
	}
	prune.put(rest.Locks, aLock(2)) // restic writes its lock anew while it runs
	if status, _ := prune.do("DELETE", "/locks/"+nameOf(aLock(1)), nil); status != http.StatusOK {
		t.Fatal(status)
	}
	if again, err := w.room.store.Queue.Needed(t.Context(), o, w.room.locks.began("files")); err != nil || len(again) != 2 {
		t.Errorf("with the lock written anew it waits for %d files: %v", len(again), err)
	}
}

// The machine of a backup slept until its lock was too old: what it brought before is
// still needed by what it brings when it wakes up.
func TestARunThatSleptIsStillOneRun(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	w.conducts(everyone(2, away)...)
	c := w.client("files", "")
	c.put(rest.Locks, aLock(1))
	c.put(rest.Data, randomBytes(1000, 1))
	long := time.Now().Add(-lockLife - time.Minute)
	if err := os.Chtimes(filepath.Join(w.dir, "vault", "locks", "files", nameOf(aLock(1))+".append"), long, long); err != nil {
		t.Fatal(err)
	}
	c.put(rest.Locks, aLock(2))
	o := w.accept(rest.Handle{Type: rest.Index, Name: nameOf([]byte("i"))}, []byte("i"))
	if needed, err := w.room.store.Queue.Needed(t.Context(), o, w.room.locks.began("files")); err != nil || len(needed) != 2 {
		t.Errorf("the index waits for %d files, want itself and the pack: %v", len(needed), err)
	}
}

// A read token that takes a running prune's lock away, and writes one of its own, does
// not make it look as if the prune had brought nothing.
func TestReadTokenCannotHideARun(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	w.settled()
	w.conducts(everyone(2, away)...)
	prune, read := w.client("files", made.Prune), w.client("files", made.Read)
	lock := prune.put(rest.Locks, aLock(1))
	prune.put(rest.Data, randomBytes(1000, 2))
	if status, _ := read.do("DELETE", lock, nil); status != http.StatusOK {
		t.Fatal(status)
	}
	read.put(rest.Locks, aLock(2))
	o := w.accept(rest.Handle{Type: rest.Index, Name: nameOf([]byte("i"))}, []byte("i"))
	if needed, err := w.room.store.Queue.Needed(t.Context(), o, w.room.locks.began("files")); err != nil || len(needed) != 2 {
		t.Errorf("the index waits for %d files, want itself and the new pack: %v", len(needed), err)
	}
}

// A shard on its way into the catalogue takes its room once.
func TestShardInHandCountsOnce(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	w.quiet()
	body := randomBytes(400_000, 1)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	w.pledges(800_000)
	for i, m := range w.members {
		if _, err := w.room.pool.All(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.room.pool.Delivered(t.Context(), catalogue.Placement{Object: o.ID, Index: i, Member: m.id, Length: o.Sealed, State: catalogue.Stored})
	}
	if short := w.noRoom(); short != nil {
		t.Errorf("half of each pledge is taken, and status says %+v", short)
	}
}

// What a small thing that still fits says of the room for large ones is nothing.
func TestASmallThingDoesNotEndNoRoom(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	p, member := w.room.pool, w.members[0].id
	p.Bad(t.Context(), pool.TroubleOf(member, catalogue.Placement{Length: 1_000_000}, core.Full("vault.quota_full", nil)))
	open := func() (n int) {
		t.Helper()
		all, err := w.room.store.Troubles.Since(t.Context(), 1<<60)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	p.Accepted(t.Context(), member, 2000)
	if open() != 1 {
		t.Error("a small index fitted, and no room is called mended")
	}
	p.Accepted(t.Context(), member, 1_100_000)
	if open() != 0 {
		t.Error("what was refused fits, and is still called full")
	}
}

// Members without room are no places for a file: it is cut for those that have some,
// and waits rather than lie at one place for want of room.
func TestFullMembersAreNoPlaces(t *testing.T) {
	w := newWorld(t, 6)
	w.create("files")
	w.settled()
	w.pledges(10_000, 10_000, 1<<30)
	body := randomBytes(400_000, 1)
	w.client("files", "").put(rest.Data, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil || o.Code.K != 2 || o.State != catalogue.Placed {
		t.Errorf("cut %+v %s, %v", o.Code, o.State, err)
	}
	w.pledges(1<<30, 10_000, 10_000, 10_000)
	body = randomBytes(400_000, 2)
	if status, text := w.client("files", "").do("POST", "/data/"+nameOf(body), body); status != http.StatusInsufficientStorage || !strings.Contains(string(text), "m1.test") {
		t.Errorf("room at one place of six: %d %s", status, text)
	}
}
