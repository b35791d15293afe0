package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

// endlessList lists one shard on each page, for ever.
type endlessList struct {
	holder.Holder
	pages int
}

func (e *endlessList) List(context.Context, core.MemberID, string, int) (holder.Page, error) {
	e.pages++
	return holder.Page{Shards: make([]holder.Entry, 1), Next: fmt.Sprint(e.pages)}, nil
}

func TestListWithoutEnd(t *testing.T) {
	w := newWorld(t, 1)
	e := &endlessList{}
	w.room.n.Holder = func(core.MemberID) holder.Holder { return e }
	err := w.room.recovery.EachHeld(t.Context(), w.members[0].id, func(holder.Entry) {})
	if core.CodeOf(err) != core.CodeUnsure || e.pages > 2*recovery.PageGrace {
		t.Errorf("%d pages, %v", e.pages, err)
	}
}

// So many silent members that a file may lie at them alone: nobody may say then that
// nothing else is there.
func TestSilentMembersMayHideFiles(t *testing.T) {
	for lenders := range 10 {
		var contacts []recovery.Contact
		var ids []core.MemberID
		for i := range lenders {
			id := core.MemberID(fmt.Sprintf("m%d.test", i))
			contacts, ids = append(contacts, recovery.Contact{ID: id, Lends: true}), append(ids, id)
		}
		contacts = append(contacts, recovery.Contact{ID: "neighbour.test"})
		if lenders == 0 {
			continue
		}
		fewest := catalogue.CodeFor("index", lenders).N
		if recovery.MayHide(contacts, append([]core.MemberID{"neighbour.test"}, ids[:fewest-1]...)) {
			t.Errorf("%d of %d cannot hide anything", fewest-1, lenders)
		}
		if !recovery.MayHide(contacts, ids[:fewest]) {
			t.Errorf("%d of %d can hide a file", fewest, lenders)
		}
	}
}

// A member that a recovery did not hear gives what it holds later, without a hand; until
// then nobody is told that a file is not there.
func TestRecoveryGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.burnt(5, 50_000)
	w.conducts(away)
	found := w.recovered()
	if len(found.Silent) != 1 || found.Hidden || unfinished(found) != nil {
		t.Fatalf("one of two copies is enough: %+v", found)
	}
	w.room.n.Contacts = func(context.Context) ([]recovery.Contact, error) {
		return []recovery.Contact{{ID: w.members[0].id, Lends: true}, {ID: w.members[1].id}}, nil
	}
	found = w.recovered()
	if !found.Hidden || core.CodeOf(unfinished(found)) != core.CodeUnsure || core.CodeOf(w.room.recovery.Whole(t.Context())) != core.CodeUnsure {
		t.Fatalf("the only lender is silent: %+v", found)
	}
	close(w.room.started) // as if the node ran
	if err := w.room.recovery.HearMore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.room.recovery.Whole(t.Context()) == nil {
		t.Error("whole while the lender is away")
	}
	w.conducts(honest)
	if err := w.room.recovery.HearMore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.room.recovery.Whole(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := w.room.recovery.Unheard(t.Context()); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	all, err := w.room.store.Placements.Holders(t.Context())
	if err != nil || len(all) != 2 {
		t.Error("shards count at", all, err)
	}
}

// What a recovery found incomplete is made whole at once when every member answered, and
// waits a day for those that did not.
func TestARecoveryThatHeardEverybodyRepairsAtOnce(t *testing.T) {
	for name, how := range map[string]conduct{"everybody": honest, "one is away": away} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 4)
			w.t = t
			w.create("files")
			w.client("files", "").put(rest.Data, randomBytes(50_000, 3))
			w.settled()
			w.stop()
			for _, path := range w.members[0].shardFiles() {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.members[0].local.Rescan(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.members[1].set(how)
			w.dir = t.TempDir()
			w.newKey(owner)
			w.open()
			defer w.room.n.DB.Close()
			w.recovered()
			due, err := w.room.store.Queue.Due(t.Context(), core.At(time.Now()), 10)
			if err != nil || (len(due) > 0) != (how == honest) {
				t.Errorf("%d files are due, %v", len(due), err)
			}
		})
	}
}

// A recovery goes on only in a node that has started: until then files cannot be read.
func TestRecoveryGoesOnAfterTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	var asked atomic.Int64
	needs := w.needs(w.room.n.DB)
	reach := needs.Holder
	needs.Holder = func(id core.MemberID) holder.Holder {
		asked.Add(1)
		return reach(id)
	}
	room, err := New(needs)
	if err != nil {
		t.Fatal(err)
	}
	if err := room.store.Notes.SetMembers(t.Context(), "recover_unheard", []core.MemberID{w.members[0].id}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/5)
	defer cancel()
	if err := room.recovery.HearMore(ctx); !errors.Is(err, context.DeadlineExceeded) || asked.Load() > 0 {
		t.Errorf("asked %d times before the start: %v", asked.Load(), err)
	}
	close(room.started)
	if err := room.recovery.HearMore(t.Context()); err != nil || asked.Load() == 0 {
		t.Errorf("asked %d times after the start: %v", asked.Load(), err)
	}
}
