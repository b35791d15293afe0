package logbook_test

import (
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
)

func add(t *testing.T, b *logbook.Book) error {
	t.Helper()
	_, err := b.Append(t.Context(), "entrechat/test/1", nil, 0, 1)
	return err
}

// A node restored from an old backup takes back what it lacks before it signs, and
// signs nothing while nobody tells it how far its log goes.
func TestRestoredFromOldBackup(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a := v[0]
	ok(t, a.book.Push(t.Context()))
	old := a.backup(t)
	for i := range 4 {
		a.say(t, i)
	}
	ok(t, a.book.Push(t.Context()))
	a.dark.Store(true) // the machine is gone
	c.pass(time.Hour)

	v[1].dark.Store(true)
	v[2].dark.Store(true)
	restored := process(a, old)
	code(t, add(t, restored), core.CodeUnsure)
	code(t, restored.Resign(t.Context()), core.CodeUnsure)

	v[2].dark.Store(false) // one mirror is enough
	e := must[logbook.Entry](t)(restored.Append(t.Context(), "entrechat/test/1", nil, 0, 99))
	if e.Index != 5 {
		t.Fatalf("appended at %d, want 5: behind the four it had lost", e.Index)
	}
	ok(t, restored.Push(t.Context()))
	if m := v[2].sees(t, a); m.Size != 6 || m.State != logbook.Fresh {
		t.Fatalf("%+v", m)
	}
}

func TestAdminSaysThatNobodyWillAnswer(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a := v[0]
	ok(t, a.book.Push(t.Context()))
	v[1].dark.Store(true)
	a.dark.Store(true)
	again := process(a, a.backup(t))
	code(t, add(t, again), core.CodeUnsure)
	ok(t, again.Guard.ConfirmAlone(t.Context()))
	ok(t, add(t, again))
	c.pass(time.Hour)
	code(t, add(t, again), core.CodeUnsure) // the word was for that moment
}

// A command beside a healthy node appends although no mirror can be reached. Beside
// a copy of the same data it does not: the lease is there, the node is not.
func TestCommandBesideTheNode(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a := v[0]
	ok(t, a.book.Push(t.Context()))
	a.up(t)
	for _, h := range v {
		h.dark.Store(true) // the line is down
	}
	begun := time.Now()
	ok(t, add(t, beside(a)))
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("a command took %s beside a healthy node", took)
	}
	code(t, add(t, process(a, a.backup(t))), core.CodeUnsure)
}

// Two living copies of one node: the one that does not have the address is told.
func TestTwinOnACopiedDisk(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a := v[0]
	ok(t, a.book.Push(t.Context()))
	a.up(t)
	twin := process(a, a.backup(t))
	code(t, add(t, twin), core.CodeConflict)
	code(t, twin.HoldLease(t.Context()), core.CodeConflict)
	code(t, twin.Guard.Twin(t.Context()), core.CodeConflict)
	ok(t, a.book.Guard.Twin(t.Context()))
	ok(t, beside(a).Guard.Twin(t.Context())) // a command of the node itself
	a.say(t, 1)                              // the other one goes on
}

// What mirrors hold behind our back stops us: more than we have is fetched, another
// history ends appending until people act.
func TestMirrorsHoldAnotherHistoryOfOurs(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	ok(t, a.book.Push(t.Context()))
	twin := twinOf(t, a)
	twin.say(t, 1)
	twin.say(t, 2)
	ok(t, twin.book.Push(t.Context()))

	// a learns from b that its log is longer than it knew, and goes on behind it.
	a.pull(t, b)
	if e := a.say(t, 3); e.Index != 3 {
		t.Fatalf("appended at %d", e.Index)
	}
	twin.say(t, 4) // now two histories are signed
	a.say(t, 5)
	ok(t, a.book.Push(t.Context()))
	_ = twin.book.Push(t.Context())
	if m := b.sees(t, a); m.State != logbook.Suspended {
		t.Fatalf("%+v", m)
	}
	// The proof comes to the culprit too: neither face signs on.
	b.deliver(t)
	a.pull(t, b)
	a.deliver(t)
	code(t, add(t, a.book), core.CodeConflict)
}

func TestNewLogNeedsNobody(t *testing.T) {
	c := newClock()
	a := found(t, "chaton-a.test", sqlite(t), c)
	a.dark.Store(true)
	a.say(t, 1)
	c.pass(time.Hour)
	ok(t, add(t, process(a, a.db)))
}

// The network is split; the guard that passed at the start still counts while it
// is renewed, and not after the machine slept.
func TestGuardEndsWithSleep(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a := v[0]
	ok(t, a.book.Push(t.Context()))
	ok(t, a.book.HoldLease(t.Context()))
	v[1].dark.Store(true)
	for range 10 {
		c.pass(5 * time.Minute)
		ok(t, a.book.HoldLease(t.Context()))
		a.say(t, 1)
	}
	c.pass(8 * time.Hour)
	code(t, add(t, a.book), core.CodeUnsure)
}

// A log nobody has to hold is asked of everybody we know all the same: members met
// after the backup was made are not in it, those met before are.
func TestOldestBackupAsksWhomItKnows(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	old := a.backup(t) // before anything was pushed
	a.say(t, 1)
	b.pull(t, a)
	a.dark.Store(true)
	restored := process(a, old)
	e := must[logbook.Entry](t)(restored.Append(t.Context(), "entrechat/test/1", nil, 0, 2))
	if e.Index != 2 {
		t.Fatalf("appended at %d", e.Index)
	}
}

func TestARunningNodeHasALease(t *testing.T) {
	c := newClock()
	a := found(t, "chaton-a.test", sqlite(t), c)
	ok(t, a.book.HoldLease(t.Context()))
	rows := must[[]string](t)(db.All(t.Context(), a.db, db.Text, `SELECT instance FROM logbook_lease WHERE guarded = 1`))
	if len(rows) != 1 || slices.Contains(rows, "") {
		t.Fatalf("%q", rows)
	}
}
