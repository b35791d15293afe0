package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

// older saves a snapshot while the last member is away, and answers it after the
// database went back to before it. The file with the mark stays.
func (w *world) older() (snapshot catalogue.Object) {
	w.t.Helper()
	w.create("files")
	w.settled()
	w.members[len(w.members)-1].set(away)
	body := []byte("the newest snapshot")
	w.client("files", "").put(rest.Snapshots, body)
	w.stop()
	w.open()
	w.t.Cleanup(func() { _ = w.room.n.DB.Close() })
	o, err := w.room.store.Objects.File(w.t.Context(), "files", rest.Handle{Type: rest.Snapshots, Name: nameOf(body)}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.unknown(o)
	w.exec(`UPDATE vault_note SET value = '0' WHERE name = 'mark'`)
	return o
}

// A snapshot is acknowledged with two copies. While both members that have it are silent,
// the one that is left cannot say that nothing is missing, and the mark does not move.
func TestTwoSilentMembersMayHoldTheNewestSnapshot(t *testing.T) {
	w := newWorld(t, 3)
	o := w.older()
	w.conducts(away, away, honest)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	mark, err := w.room.store.Notes.Mark(t.Context())
	if w.standing() != recovery.Behind || mark != 0 || err != nil {
		t.Errorf("%s, mark %d, %v", w.standing(), mark, err)
	}
	w.conducts(honest, away, honest)
	w.compared(false)
	if w.standing() != recovery.Whole || w.object(o.ID).File != o.File {
		t.Errorf("one of the two answers: %s", w.standing())
	}
}

// Without the mark, which goes back with the data directory, it is not known either.
func TestTwoSilentMembersAreNotEnough(t *testing.T) {
	w := newWorld(t, 3)
	w.older()
	if err := w.room.recovery.Mark.Write(0); err != nil {
		t.Fatal(err)
	}
	w.conducts(away, away, honest)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.standing() != recovery.NotYet {
		t.Error(w.standing())
	}
}

// A database that is known to have lost something stays behind until something was found
// or every member has answered.
func TestAMarkNobodyExplains(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.saved()
	if err := w.room.recovery.Mark.Write(7); err != nil {
		t.Fatal(err)
	}
	w.conducts(away, honest, honest)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mark, err := w.room.store.Notes.Mark(t.Context()); w.standing() != recovery.Behind || mark == 7 || err != nil {
		t.Errorf("%s, mark %d, %v", w.standing(), mark, err)
	}
	w.conducts()
	w.compared(false)
	if mark, err := w.room.store.Notes.Mark(t.Context()); w.standing() != recovery.Whole || mark != 7 || err != nil {
		t.Errorf("all have answered: %s, mark %d, %v", w.standing(), mark, err)
	}
}

// What a later disk saved with a key that is not here is newer than all this disk knows:
// nothing is called safe, and no list of snapshots is given, also after a restart.
func TestNewerObjectsThatCannotBeRead(t *testing.T) {
	w := oldWorld(t)
	before := filepath.Join(t.TempDir(), "before")
	if text, err := exec.CommandContext(t.Context(), "cp", "-a", w.dir, before).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v %s", err, text)
	}
	w.start()
	<-w.room.started
	body := []byte("saved with a key that this disk has not drawn yet")
	w.client("mail", "").put(rest.Snapshots, body)
	w.settled()
	w.stop()
	w.dir = before
	for range 2 {
		w.start()
		<-w.room.started
		if s := w.status("mail"); s.Level == health.LevelSafe || s.Level == health.LevelOneCopy {
			t.Errorf("the level is %s", s.Level)
		}
		status, text := w.client("mail", "").do("GET", "/snapshots/", nil)
		if status != http.StatusServiceUnavailable || !bytes.Contains(text, []byte("entrechat vault recover")) {
			t.Errorf("%d %s", status, text)
		}
		w.stop()
	}
	w.open()
	w.recovered()
	_ = w.room.n.DB.Close()
	w.start()
	<-w.room.started
	w.compared(false)
	if status, got := w.client("mail", "").do("GET", "/snapshots/"+nameOf(body), nil); status != http.StatusOK || !bytes.Equal(got, body) {
		t.Errorf("after the recovery: %d %s", status, got)
	}
}

// A newer object of which too few shards are shown is missing all the same; an older one
// is only counted.
func TestNewerObjectsOfTooFewShards(t *testing.T) {
	w := newWorld(t, 6)
	w.create("files")
	o, _ := w.saved()
	w.unknown(o)
	for _, m := range w.members[1:] {
		if _, err := m.db.ExecContext(t.Context(), `DELETE FROM vault_stored WHERE object = $1`, o.ID.String()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.compared(true)
	if w.standing() != recovery.Behind {
		t.Errorf("newer: %s", w.standing())
	}
	w.exec(`DELETE FROM vault_note WHERE name IN ('newest_us', 'unread')`)
	w.exec(`UPDATE vault_object SET made_us = made_us + 1000000000`)
	w.compared(true)
	if w.standing() != recovery.Whole {
		t.Errorf("older: %s", w.standing())
	}
}

// oddHolder is a member's store with another List.
type oddHolder struct {
	holder.Holder
	list func(ctx context.Context, after string) (holder.Page, error)
}

func (o oddHolder) List(ctx context.Context, _ core.MemberID, after string, _ int) (holder.Page, error) {
	return o.list(ctx, after)
}

// odd has one member answer lists so; it knows no summaries then.
func (w *world) odd(m *member, list func(ctx context.Context, after string) (holder.Page, error)) {
	before := w.room.n.Holder
	w.room.n.Holder = func(id core.MemberID) holder.Holder {
		if id == m.id {
			return oddHolder{before(id), list}
		}
		return before(id)
	}
}

// endless lists heads that we never signed, one a page, without end.
func (w *world) endless(m *member, used int64) {
	page, err := w.room.n.Holder(m.id).List(w.t.Context(), owner, "", 1)
	if err != nil || len(page.Shards) != 1 {
		w.t.Fatal(err)
	}
	n := uint64(0)
	w.odd(m, func(ctx context.Context, _ string) (holder.Page, error) {
		held := page.Shards[0]
		held.OwnerRoot = *new(core.RootKey)
		n++
		binary.BigEndian.PutUint64(held.Object[8:], n)
		return holder.Page{Shards: []holder.Entry{held}, Next: held.Name(), Used: used}, ctx.Err()
	})
}

// A lender whose list has no end keeps no node from serving, and no comparison from ending.
func TestAListWithoutEnd(t *testing.T) {
	w := newWorld(t, 1)
	w.create("files")
	w.saved()
	w.endless(w.members[0], 1<<53-1)
	w.room.recovery.CompareStart = 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.room.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if w.standing() != recovery.NotYet {
		t.Error(w.standing())
	}
	w.endless(w.members[0], 1000)
	c, err := w.room.recovery.Compare(ctx, false, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Seen[w.members[0].id].Err; core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
}

// A whole list is waited for: an honest line may be slow.
func TestASlowListIsWaitedFor(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.saved()
	w.room.recovery.Stragglers = time.Millisecond
	slow := w.members[0]
	before := w.room.n.Holder(slow.id)
	w.odd(slow, func(ctx context.Context, after string) (holder.Page, error) {
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
		return before.List(ctx, owner, after, 0)
	})
	all, err := w.room.upkeep.Check(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Error != "" || c.Audited == 0 || c.Wrong != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// A shard that its member could not prove stays lost, whatever its list says, until it
// proves it.
func TestAListProvesNothing(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	o, _ := w.saved()
	m := w.members[0]
	files, err := filepath.Glob(filepath.Join(m.store, "*", "*", o.ID.String()+".*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = os.Remove(files[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	at := func() (p catalogue.Placement) {
		all, err := w.room.store.Placements.Of(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if p.Member == m.id {
				return p
			}
		}
		return p
	}
	if err := w.room.upkeep.Audit(t.Context(), at()); err == nil {
		t.Fatal("proved a shard that is not there")
	}
	w.compared(true)
	if p := at(); p.State != catalogue.Lost {
		t.Errorf("by its list alone: %s", p.State)
	}
	if err := os.WriteFile(files[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.compared(true)
	if p := at(); p.State != catalogue.Stored {
		t.Errorf("proved again: %s", p.State)
	}
}

// A comparison of tomorrow was made while the clock was wrong: it says nothing, and is made
// again at once.
func TestAComparisonOfTomorrow(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.saved()
	w.compared(false)
	tomorrow := core.At(time.Now().Add(24 * time.Hour))
	for _, wrong := range [][]string{{recovery.NoteCompared}, {recovery.NoteCompared, recovery.NoteStarted}} {
		for _, note := range wrong {
			if err := w.room.store.Notes.SetMoment(t.Context(), note, tomorrow); err != nil {
				t.Fatal(err)
			}
		}
		if is := w.standing(); is != recovery.NotYet {
			t.Errorf("%v are of tomorrow, and the catalogue is %s", wrong, is)
		}
		w.room.recovery.DueNow()
		if err := w.room.recovery.CompareDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if is := w.standing(); is != recovery.Whole {
			t.Errorf("compared again, and %s", is)
		}
	}
}
