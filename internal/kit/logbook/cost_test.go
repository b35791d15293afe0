package logbook_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
)

// A leaf that is no entry of its author fills disks and says nothing: its log is
// refused there, by post and by pull, from the author and from who mirrored it.
func TestLeavesThatAreNoEntries(t *testing.T) {
	for name, leaf := range map[string]string{
		"empty": "", "no JSON": "xxx", "no entry": "{}", "another's": `{"typ":"entrechat/test/1","iss":"chaton-b.test","iat":1,"body":1}`,
		"no type": `{"typ":"x","iss":"chaton-a.test","iat":1,"body":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			v := village(t, c, "chaton-a.test", "chaton-b.test")
			a, b := v[0], v[1]
			a.say(t, 1)
			ok(t, a.book.Push(t.Context()))
			ok(t, a.book.AppendRaw(t.Context(), []byte(leaf)))
			ok(t, a.book.Push(t.Context()))
			_ = b.book.PullFrom(t.Context(), a.id, 0)
			if m := b.sees(t, a); m.Size != 2 || m.Suspended != 0 {
				t.Fatalf("%+v", m)
			}
			all := must[[]logbook.Contact](t)(a.book.Contacts(t.Context()))
			if len(all) != 1 || all[0].Trouble == nil || all[0].Trouble.Key != "logbook.no_entry_form" {
				t.Fatalf("the author is told %+v", all)
			}
		})
	}
	// What a later program may write is taken.
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	ok(t, a.book.AppendRaw(t.Context(), []byte(`{"typ":"entrechat/test/2","iss":"chaton-a.test","iat":1,"new":25,"body":1}`)))
	ok(t, a.book.Push(t.Context()))
	if m := b.sees(t, a); m.Size != 2 {
		t.Fatalf("%+v", m)
	}
}

// What is kept of a member is bounded by what it costs us, rows included, over all of
// its logs: a new one is no way around.
func TestAMemberIsChargedWhatItCosts(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		c := newClock()
		a, b := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", d, c)
		b.book = logbook.New(logbook.Needs{
			DB: d, Signer: b.signer, Calls: b.client, Now: c.Now, Log: slog.New(slog.DiscardHandler),
			Tuning: logbook.Tuning{Start: 10_000, Wait: time.Minute},
		})
		a.meet(t, b)
		b.meet(t, a)
		for i := range 15 {
			a.say(t, i) // some 90 bytes each
		}
		ok(t, a.book.Push(t.Context()))
		if m := b.sees(t, a); m.Size != 16 {
			t.Fatalf("%+v", m)
		}
		for epoch := range 3 {
			must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, 1<<40))
			for i := range 8 {
				a.say(t, i)
				c.pass(15 * time.Minute)
				_ = a.book.Push(t.Context())
				_ = b.book.PullFrom(t.Context(), a.id, 0)
			}
			rows := must[int64](t)(db.One(t.Context(), d, db.Int64, `SELECT COUNT(*) FROM logbook_entry WHERE log LIKE 'chaton-a.test%'`))
			bytes := must[int64](t)(db.One(t.Context(), d, db.Int64, `SELECT CAST(SUM(LENGTH(data)) AS BIGINT) FROM logbook_entry WHERE log LIKE 'chaton-a.test%'`))
			if cost := bytes + rows*256; cost > 10_000 {
				t.Fatalf("epoch %d: %d entries cost %d bytes", epoch+2, rows, cost)
			}
		}
		// Days later there is room again.
		c.pass(24 * time.Hour)
		b.pull(t, a)
		if m := b.sees(t, a); m.Size != a.sees(t, a).Size {
			t.Fatalf("%+v", m)
		}
	})
}

// While the disk has no room nothing of others is taken; our own entries are written.
func TestTheFloorHoldsForWhatOthersWrite(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	var full error
	b.book = logbook.New(logbook.Needs{
		DB: b.db, Signer: b.signer, Calls: b.client, Now: c.Now, Log: slog.New(slog.DiscardHandler),
		Room: func() error { return full }, Tuning: logbook.Tuning{Wait: time.Minute},
	})
	full = core.Full("logbook.disk_low", errors.New("no room"))
	a.say(t, 1)
	ok(t, a.book.Push(t.Context()))
	ok(t, b.book.PullFrom(t.Context(), a.id, 0))
	if m := b.sees(t, a); m.Size != 1 {
		t.Fatalf("%+v", m)
	}
	b.say(t, 1)
	full = nil
	c.pass(time.Hour)
	ok(t, a.book.Push(t.Context()))
	if m := b.sees(t, a); m.Size != 2 {
		t.Fatalf("%+v", m)
	}
}
