package logbook_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
)

func TestAppendMirrorDeliver(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		c := newClock()
		a, b := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", d, c)
		for i := range 5 {
			a.say(t, i)
			b.say(t, i)
		}
		b.meet(t, a)
		a.meet(t, b)
		a.say(t, 5)
		ok(t, a.book.Push(t.Context()))
		a.say(t, 6)
		b.pull(t, a)
		var read diary
		for range 2 {
			b.deliver(t, read.reader("r"))
		}
		if fmt.Sprint(read.heard) != "[1 2 3 4 5 1 2 3 4 5 6 7]" {
			t.Fatalf("b was told %v", read.heard)
		}
		for _, of := range []*hoster{a, b} {
			size := must[int64](t)(b.book.Verify(t.Context(), of.id))
			if size != of.sees(t, of).Size {
				t.Fatalf("verified %d of %s", size, of.id)
			}
		}
		entries := must[[]logbook.Entry](t)(b.book.Entries(t.Context(), a.id, 6, 9))
		if len(entries) != 2 || entries[0].Index != 6 || string(entries[1].Body) != `{"n":6}` {
			t.Fatalf("%+v", entries)
		}
		if e := must[logbook.Entry](t)(b.book.Entry(t.Context(), a.id, 7)); e.Hash != entries[1].Hash {
			t.Fatalf("%+v", e)
		}
		_, err := b.book.Entry(t.Context(), a.id, 8)
		code(t, err, core.CodeNotFound)
		ok(t, b.book.Unfollow(t.Context(), a.id))
		_, err = b.book.Member(t.Context(), a.id)
		code(t, err, core.CodeNotFound)
	})
}

// The list of members, and the members by name, say what each alone says: of its last
// epoch.
func TestKnownMembers(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		c := newClock()
		a, b := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", d, c)
		b.open(t, d)
		a.meet(t, b)
		b.meet(t, a)
		a.say(t, 1)
		must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, -1))
		a.say(t, 2)
		b.pull(t, a)
		known := must[[]logbook.Member](t)(b.book.Known(t.Context()))
		some := must[[]logbook.Member](t)(b.book.Members(t.Context(), []core.MemberID{b.id, "chaton-x.test", a.id}))
		alone := []logbook.Member{b.sees(t, a), b.sees(t, b)}
		if !slices.Equal(known, alone) || alone[0].Epoch != 2 {
			t.Errorf("%+v\nwant %+v", known, alone)
		}
		if slices.Reverse(some); !slices.Equal(some, alone) {
			t.Errorf("%+v\nwant %+v", some, alone)
		}
	})
}

// Two processes of one node append at once; the log stays one.
func TestProcessesAppendBesideEachOther(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		a := found(t, "chaton-a.test", d, newClock())
		a.up(t)
		const each = 8
		done := make(chan error, 3)
		for range cap(done) {
			book := beside(a)
			go func() {
				for i := range each {
					if _, err := book.Append(t.Context(), "entrechat/test/1", nil, 0, map[string]int{"n": i}); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range cap(done) {
			ok(t, <-done)
		}
		if size := must[int64](t)(a.book.Verify(t.Context(), a.id)); size != 1+each*int64(cap(done)) {
			t.Fatal(size)
		}
	})
}

func TestReadersAreToldAtLeastOnceInOrder(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	for i := range 4 {
		a.say(t, i)
		b.say(t, i)
	}
	b.pull(t, a)
	boom := errors.New("not now")
	told := map[core.MemberID][]int64{}
	reader := logbook.Reader{Name: "picky", Types: []string{"entrechat/test/1"}, Read: func(_ context.Context, e logbook.Entry) error {
		if boom != nil && e.Log == a.id && e.Index == 3 {
			return boom
		}
		told[e.Log] = append(told[e.Log], e.Index)
		return nil
	}}
	if err := b.book.Deliver(t.Context(), []logbook.Reader{reader}); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if !slices.Equal(told[a.id], []int64{1, 2}) || len(told[b.id]) != 4 {
		t.Fatalf("one log's trouble touched another: %v", told)
	}
	boom = nil
	b.deliver(t, reader)
	if !slices.Equal(told[a.id], []int64{1, 2, 3, 4}) || len(told[b.id]) != 4 {
		t.Fatalf("%v", told)
	}
	// A reader that comes later hears everything.
	var late diary
	b.deliver(t, reader, late.reader("late"))
	if len(late.heard) != 8 {
		t.Fatalf("%v", late.heard)
	}
}

func TestAgeIsShown(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	for _, tt := range []struct {
		pass time.Duration
		want logbook.State
	}{{0, logbook.Fresh}, {49 * time.Hour, logbook.NotHeard}, {6 * 24 * time.Hour, logbook.Stale}} {
		c.pass(tt.pass)
		if got := b.sees(t, a).State; got != tt.want {
			t.Errorf("after %s: %s, want %s", tt.pass, got, tt.want)
		}
	}
	// The same head signed again is news, not a fork, and travels by push and pull.
	ok(t, a.book.Resign(t.Context()))
	ok(t, a.book.Push(t.Context()))
	if m := b.sees(t, a); m.State != logbook.Fresh || m.Size != 1 {
		t.Errorf("%+v", m)
	}
	c.pass(50 * time.Hour)
	ok(t, a.book.Resign(t.Context()))
	b.pull(t, a)
	if m := b.sees(t, a); m.State != logbook.Fresh {
		t.Errorf("%+v", m)
	}
	// An author whose clock runs ahead is not heard in the future.
	a.clock = &clock{c.now.Add(30 * 24 * time.Hour)}
	a.open(t, a.db)
	ok(t, a.book.Resign(t.Context()))
	b.pull(t, a)
	c.pass(50 * time.Hour)
	if m := b.sees(t, a); m.State != logbook.NotHeard {
		t.Errorf("%+v", m)
	}
}

func TestOtherRootUnderAKnownNameIsRefused(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	buyer := found(t, "chaton-a.test", sqlite(t), c)
	known := must[logbook.WellKnown](t)(v[1].book.Discover(t.Context(), buyer.server.URL))
	code(t, v[1].book.Adopt(t.Context(), known), core.CodeConflict)
}

func TestUnacceptableEntries(t *testing.T) {
	c := newClock()
	a := found(t, "chaton-a.test", sqlite(t), c)
	for _, typ := range []string{"", "pact", "entrechat/x/0", "entrechat/X/1", "entrechat/x/1\n"} {
		_, err := a.book.Append(t.Context(), typ, nil, 0, 1)
		code(t, err, core.CodeInvalid)
	}
	for name, try := range map[string]func() (logbook.Entry, error){
		"too long": func() (logbook.Entry, error) {
			return a.book.Append(t.Context(), "entrechat/test/1", nil, 0, make([]byte, logbook.MaxEntry))
		},
		"expired": func() (logbook.Entry, error) {
			return a.book.Append(t.Context(), "entrechat/test/1", nil, core.At(c.now.Add(-time.Hour)), 1)
		},
		"to nobody": func() (logbook.Entry, error) {
			return a.book.Append(t.Context(), "entrechat/test/1", []core.MemberID{"No Body"}, 0, 1)
		},
	} {
		if _, err := try(); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if size := a.sees(t, a).Size; size != 1 {
		t.Errorf("%d entries after refusals", size)
	}
	code(t, a.book.Init(t.Context(), must[seal.Envelope](t)(format.NewKeySet(a.signer, a.server.URL, 1).Sign(a.root)), a.rootKey()), core.CodeConflict)
}

func TestInForce(t *testing.T) {
	now := core.At(time.Now())
	for _, tt := range []struct {
		iat, exp time.Duration // from now; exp 0 = none
		want     bool
	}{
		{-time.Hour, 0, true},
		{9 * time.Minute, 0, true},
		{11 * time.Minute, 0, false},
		{-time.Hour, time.Minute, true},
		{-time.Hour, -9 * time.Minute, true},
		{-time.Hour, -11 * time.Minute, false},
	} {
		e := logbook.Entry{Iat: now.Add(tt.iat)}
		if tt.exp != 0 {
			e.Exp = now.Add(tt.exp)
		}
		if e.InForce(now) != tt.want {
			t.Errorf("iat %s, exp %s: %t", tt.iat, tt.exp, !tt.want)
		}
	}
}

// flip flips one bit of a stored value: the 8 bits tried are spread over it.
func flip(t *testing.T, d *db.DB, table, column, row string, bit int) {
	t.Helper()
	data := must[[]byte](t)(db.One(t.Context(), d, func(r db.Row) (b []byte, err error) {
		err = r.Scan(&b)
		return b, err
	}, `SELECT `+column+` FROM `+table+` WHERE `+row))
	data[bit*len(data)/8] ^= 1 << (bit % 8)
	must[int64](t)(db.Exec(t.Context(), d, `UPDATE `+table+` SET `+column+` = $1 WHERE `+row, data))
}

func BenchmarkAppend(b *testing.B) {
	for name, d := range map[string]func() *db.DB{
		"sqlite":   func() *db.DB { return sqlite(b) },
		"postgres": func() *db.DB { return dbtest.Postgres(b, "logbook", logbook.Migrations()) },
	} {
		b.Run(name, func(b *testing.B) {
			book := bookOn(b, d())
			for b.Loop() {
				must[logbook.Entry](b)(book.Append(b.Context(), "entrechat/test/1", nil, 0, map[string]string{"text": string(make([]rune, 300))}))
			}
		})
	}
}

// Two pulls of a long log run beside each other: a piece that the other one has
// stored already is nothing new, and no panic.
func TestAPieceThatCameTwice(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	for i := range 5 {
		a.say(t, i)
	}
	b.pull(t, a)
	a.say(t, 6) // the head is ahead of what b holds
	ok(t, b.book.AcceptPiece(t.Context(), a.book, a.id, 3))
	if m := b.sees(t, a); m.Size != 6 {
		t.Fatalf("%+v", m)
	}
	must[int64](t)(b.book.Verify(t.Context(), a.id))
	b.pull(t, a)
	if m := b.sees(t, a); m.Size != 7 {
		t.Fatalf("%+v", m)
	}
}
