package logbook_test

import (
	"fmt"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
)

// stains are the columns in which a flipped bit changes what a log says. hurt flips
// one in the row of a log or a member.
type stain struct {
	table, column, where string
	hurt                 func(t *testing.T, d *db.DB, s stain)
}

func stains(id core.MemberID) []stain {
	log, member := fmt.Sprintf("origin = '%s'", id), fmt.Sprintf("id = '%s'", id)
	leaf, tile := fmt.Sprintf("log = '%s' AND idx = 2", id), fmt.Sprintf("log = '%s' AND level = 0", id)
	return []stain{
		{"logbook_entry", "data", leaf, hurtBytes},
		{"logbook_entry", "typ", leaf, hurtText},
		{"logbook_entry", "idx", leaf, hurtNumber},
		{"logbook_tile", "data", tile, hurtBytes},
		{"logbook_tile", "n", tile, hurtNumber},
		{"logbook_log", "tree", log, hurtBytes},
		{"logbook_log", "size", log, hurtNumber},
		{"logbook_log", "head", log, hurtBytes},
		{"logbook_log", "base", log, hurtNumber},
		{"logbook_log", "bytes", log, hurtNumber},
		{"logbook_log", "cosignature", log, hurtText},
		{"logbook_member", "keyset", member, hurtBytes},
		{"logbook_member", "version", member, hurtNumber},
		{"logbook_member", "url", member, hurtText},
		{"logbook_member", "root", member, hurtText},
	}
}

func hurtBytes(t *testing.T, d *db.DB, s stain) {
	t.Helper()
	flip(t, d, s.table, s.column, s.where, 3)
}

func hurtText(t *testing.T, d *db.DB, s stain) {
	t.Helper()
	text := []byte(must[string](t)(db.One(t.Context(), d, db.Text, `SELECT `+s.column+` FROM `+s.table+` WHERE `+s.where)))
	text[len(text)*2/3] ^= 1
	must[int64](t)(db.Exec(t.Context(), d, `UPDATE `+s.table+` SET `+s.column+` = $1 WHERE `+s.where, string(text)))
}

func hurtNumber(t *testing.T, d *db.DB, s stain) {
	t.Helper()
	n := must[int64](t)(db.One(t.Context(), d, db.Int64, `SELECT `+s.column+` FROM `+s.table+` WHERE `+s.where))
	must[int64](t)(db.Exec(t.Context(), d, `UPDATE `+s.table+` SET `+s.column+` = $1 WHERE `+s.where, n^64))
}

// A flipped bit anywhere in our own log, or in one that we mirror, is found by the
// daily check and repaired from members; the log goes on, and so does the exchange.
func TestAFlippedBitIsRepaired(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		c := newClock()
		a, b := found(t, "chaton-a.test", d, c), found(t, "chaton-b.test", sqlite(t), c)
		a.meet(t, b)
		b.meet(t, a)
		for i := range 5 {
			a.say(t, i)
			b.say(t, i)
		}
		for _, of := range []*hoster{a, b} {
			for _, s := range stains(of.id) {
				t.Run(string(of.id)+"/"+s.table+"."+s.column, func(t *testing.T) {
					ok(t, a.book.Push(t.Context()))
					a.pull(t, b)
					before := a.sees(t, of)
					s.hurt(t, a.db, s)
					c.pass(25 * time.Hour)
					ok(t, a.book.CheckLogs(t.Context()))
					must[int64](t)(a.book.Verify(t.Context(), of.id))
					if m := a.sees(t, of); m.Size != before.Size || m.URL != before.URL || m.Root != before.Root || m.Version != before.Version {
						t.Fatalf("was %+v, is %+v", before, m)
					}
					if left := must[[]logbook.Damage](t)(a.book.Repair.Damages(t.Context())); len(left) != 0 {
						t.Fatalf("%+v", left)
					}
					e := a.say(t, 9)
					ok(t, a.book.Push(t.Context()))
					a.pull(t, b)
					if m := b.sees(t, a); m.Size != e.Index+1 || m.Suspended != 0 {
						t.Fatalf("the neighbour holds %+v", m)
					}
				})
			}
		}
	})
}

// Before each signature what it stands on is looked at: a flipped bit there is
// repaired at once, or nothing is signed.
func TestAFlippedBitIsNeverSignedOver(t *testing.T) {
	for _, s := range stains("chaton-a.test") {
		t.Run(s.table+"."+s.column, func(t *testing.T) {
			a := found(t, "chaton-a.test", sqlite(t), newClock())
			for i := range 5 {
				a.say(t, i)
			}
			s.hurt(t, a.db, s)
			_, err := a.book.Append(t.Context(), "entrechat/test/1", nil, 0, 1)
			if err == nil {
				_, err = a.book.Repair.Repair(t.Context(), a.id) // what no head stands on
			}
			if err == nil {
				must[int64](t)(a.book.Verify(t.Context(), a.id))
				return
			}
			code(t, err, core.CodeInternal)
			code(t, a.book.Resign(t.Context()), core.CodeInternal)
			if left := must[[]logbook.Damage](t)(a.book.Repair.Damages(t.Context())); len(left) != 1 {
				t.Fatalf("%+v", left)
			}
		})
	}
}

// A leaf far from the edge is damaged and no neighbour answers: nothing is signed,
// not by a command beside the node either, until one answers again.
func TestAnOldLeafIsFetchedBackOnceSomebodyAnswers(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	for i := range 260 {
		a.say(t, i)
	}
	ok(t, a.book.Push(t.Context()))
	ok(t, a.book.CheckLogs(t.Context()))
	flip(t, a.db, "logbook_entry", "data", "log = 'chaton-a.test' AND idx = 7", 2)
	b.dark.Store(true)
	c.pass(25 * time.Hour)
	ok(t, a.book.CheckLogs(t.Context()))
	for _, book := range []*logbook.Book{a.book, process(a, a.db)} {
		_, err := book.Append(t.Context(), "entrechat/test/1", nil, 0, 1)
		code(t, err, core.CodeInternal)
	}
	left := must[[]logbook.Damage](t)(a.book.Repair.Damages(t.Context()))
	if len(left) != 1 || left[0].Log != "chaton-a.test" {
		t.Fatalf("%+v", left)
	}
	b.dark.Store(false)
	if e := a.say(t, 1); e.Index != 261 {
		t.Fatal(e.Index)
	}
	must[int64](t)(a.book.Verify(t.Context(), a.id))
	ok(t, a.book.Push(t.Context()))
	if m := b.sees(t, a); m.Size != 262 {
		t.Fatalf("%+v", m)
	}
}

// What the disk has changed is not handed on: not to readers, not to those who
// mirror. Once it is repaired readers hear what they missed.
func TestADamagedLeafIsNotRead(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	for i := range 3 {
		a.say(t, i)
	}
	b.pull(t, a)
	flip(t, b.db, "logbook_entry", "data", "log = 'chaton-a.test' AND idx = 2", 2)
	var read diary
	if err := b.book.Deliver(t.Context(), []logbook.Reader{read.reader("r")}); err == nil || len(read.heard) != 0 {
		t.Fatalf("told %v, %v", read.heard, err)
	}
	code(t, w.book.PullFrom(t.Context(), b.id, 0), core.CodeUnsure) // b's fault, and nobody's lie
	if m := w.sees(t, a); m.Size > 1 || m.Suspended != 0 {
		t.Fatalf("%+v", m)
	}
	ok(t, b.book.CheckLogs(t.Context()))
	b.deliver(t, read.reader("r"))
	if fmt.Sprint(read.heard) != "[1 2 3]" {
		t.Fatalf("told %v", read.heard)
	}
	// A type that the disk changed hid an entry from its readers.
	hurtText(t, b.db, stain{table: "logbook_entry", column: "typ", where: "log = 'chaton-a.test' AND idx = 2"})
	var late diary
	b.deliver(t, late.reader("late"))
	c.pass(25 * time.Hour)
	ok(t, b.book.CheckLogs(t.Context()))
	b.deliver(t, late.reader("late"))
	if fmt.Sprint(late.heard) != "[1 3 2 3]" {
		t.Fatalf("told %v", late.heard)
	}
}

// A sound log signed in the middle of a second is sound.
func TestASoundLogIsNotRepaired(t *testing.T) {
	c := newClock()
	a := found(t, "chaton-a.test", sqlite(t), c)
	c.pass(345_678 * time.Microsecond)
	a.say(t, 1)
	if repaired := must[bool](t)(a.book.Repair.Repair(t.Context(), a.id)); repaired {
		t.Error("repaired what was sound")
	}
}

// A node that got a new key signs again, under its neighbours' heads, what it had
// signed with the old one: nothing was damaged.
func TestALineOfTheOldKeyIsNoDamage(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	b.pull(t, a)
	b.rotate(t)
	if must[bool](t)(b.book.Repair.Repair(t.Context(), a.id)) {
		t.Error("a line of the key before is called damage")
	}
	row := func() (line string) {
		ok(t, b.db.QueryRowContext(t.Context(), `SELECT cosignature FROM logbook_log WHERE member = 'chaton-a.test'`).Scan(&line))
		return line
	}
	line := row()
	if must[bool](t)(b.book.Repair.Repair(t.Context(), a.id)) || row() != line {
		t.Error("signed again under the key in force")
	}
}
