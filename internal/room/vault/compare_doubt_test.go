package vault

import (
	"testing"

	"entrechat/internal/room/vault/rest"
)

// older saves a snapshot while the last member is away, and answers it after the
// database went back to before it. The file with the mark stays.
func (w *world) older() (snapshot Object) {
	w.t.Helper()
	w.create("files")
	w.settled()
	w.members[len(w.members)-1].set(away)
	body := []byte("the newest snapshot")
	w.client("files", "").put(rest.Snapshots, body)
	w.stop()
	w.open()
	w.t.Cleanup(func() { _ = w.room.n.DB.Close() })
	o, err := w.room.store.file(w.t.Context(), "files", rest.Handle{Type: rest.Snapshots, Name: nameOf(body)}, 0)
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
	w.moods(away, away, honest)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	mark, err := w.room.store.mark(t.Context())
	if w.standing() != Behind || mark != 0 || err != nil {
		t.Errorf("%s, mark %d, %v", w.standing(), mark, err)
	}
	w.moods(honest, away, honest)
	w.compared(false)
	if w.standing() != Whole || w.object(o.ID).File != o.File {
		t.Errorf("one of the two answers: %s", w.standing())
	}
}

// Without the mark, which goes back with the data directory, it is not known either.
func TestTwoSilentMembersAreNotEnough(t *testing.T) {
	w := newWorld(t, 3)
	w.older()
	if err := w.room.writeMark(0); err != nil {
		t.Fatal(err)
	}
	w.moods(away, away, honest)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.standing() != NotYet {
		t.Error(w.standing())
	}
}

// A database that is known to have lost something stays behind until something was found
// or every member has answered.
func TestAMarkNobodyExplains(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.saved()
	if err := w.room.writeMark(7); err != nil {
		t.Fatal(err)
	}
	w.moods(away, honest, honest)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mark, err := w.room.store.mark(t.Context()); w.standing() != Behind || mark == 7 || err != nil {
		t.Errorf("%s, mark %d, %v", w.standing(), mark, err)
	}
	w.moods()
	w.compared(false)
	if mark, err := w.room.store.mark(t.Context()); w.standing() != Whole || mark != 7 || err != nil {
		t.Errorf("all have answered: %s, mark %d, %v", w.standing(), mark, err)
	}
}
