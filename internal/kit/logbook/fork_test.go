package logbook_test

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// A member tells two histories. Whoever meets both has the proof; others believe
// the proof, not the messenger.
func TestForkIsProvedAndSpread(t *testing.T) {
	for name, said := range map[string][2]int{"same size": {1, 1}, "they have more": {1, 3}, "we have more": {3, 1}, "over many tiles": {3, 300}} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			liar := found(t, "chaton-x.test", sqlite(t), c)
			twin := twinOf(t, liar)
			b, w := found(t, "chaton-b.test", sqlite(t), c), found(t, "chaton-c.test", sqlite(t), c)
			b.meet(t, liar)
			w.meet(t, b, liar)
			for i := range said[0] {
				liar.say(t, i)
			}
			for i := range said[1] {
				twin.say(t, 1000+i)
			}
			b.pull(t, liar)
			if err := b.book.SyncAt(t.Context(), liar.id, twin.server.URL); err == nil {
				t.Fatal("two histories went in")
			}
			if m := b.sees(t, liar); m.State != logbook.Suspended || m.Size != int64(1+said[0]) {
				t.Fatalf("b: %+v", m)
			}
			b.deliver(t)
			w.pull(t, b)
			w.deliver(t)
			if m := w.sees(t, liar); m.State != logbook.Suspended {
				t.Fatalf("c: %+v", m)
			}
			if m := w.sees(t, b); m.State != logbook.Fresh {
				t.Fatalf("the messenger is %s", m.State)
			}
			evidence := must[[]logbook.Evidence](t)(w.book.Forks(t.Context()))
			if len(evidence) != 1 {
				t.Fatalf("%d proofs", len(evidence))
			}
			ok(t, evidence[0].Proof.Check(liar.rootKey(), logbook.KeySet{}))
			// c tells on in its own log, once.
			w.deliver(t)
			if m := w.sees(t, w); m.Size != 2 {
				t.Fatalf("c's own log has %d entries", m.Size)
			}
			// Nothing more of it is taken until people decide.
			liar.say(t, 77)
			b.pull(t, liar)
			if m := b.sees(t, liar); m.Size != int64(1+said[0]) {
				t.Fatalf("b: %+v", m)
			}
			ok(t, b.book.Pardon(t.Context(), liar.id))
			b.pull(t, liar)
			if m := b.sees(t, liar); m.State != logbook.Fresh || m.Size != int64(2+said[0]) {
				t.Fatalf("b after pardon: %+v", m)
			}
		})
	}
}

// Every change to a proof makes it worthless, and a revoked key cannot be brought
// back by an old key set.
func TestForgedForkProofs(t *testing.T) {
	c := newClock()
	x, b := found(t, "chaton-x.test", sqlite(t), c), found(t, "chaton-b.test", sqlite(t), c)
	twin := twinOf(t, x)
	b.meet(t, x)
	x.say(t, 1)
	twin.say(t, 2)
	twin.say(t, 3)
	b.pull(t, x)
	_ = b.book.SyncAt(t.Context(), x.id, twin.server.URL)
	good := must[[]logbook.Evidence](t)(b.book.Forks(t.Context()))[0].Proof
	other := found(t, "chaton-x.test", sqlite(t), c)
	for name, change := range map[string]func(*logbook.Fork){
		"one head twice":    func(f *logbook.Fork) { f.A = f.B },
		"swapped":           func(f *logbook.Fork) { f.A, f.B = f.B, f.A },
		"another epoch":     func(f *logbook.Fork) { f.Epoch = 2 },
		"another member":    func(f *logbook.Fork) { f.Origin = b.id },
		"no proof":          func(f *logbook.Fork) { f.Proof = nil },
		"cut proof":         func(f *logbook.Fork) { f.Proof = f.Proof[1:] },
		"root of a":         func(f *logbook.Fork) { f.RootAtA = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
		"another's key set": func(f *logbook.Fork) { _, f.KeySet, _ = other.book.KeySet(t.Context(), other.id) },
		"unsigned":          func(f *logbook.Fork) { f.B = f.B[:len(f.B)-200] },
	} {
		t.Run(name, func(t *testing.T) {
			f := good
			change(&f)
			if err := f.Check(x.rootKey(), logbook.KeySet{}); err == nil {
				t.Fatal("it holds")
			}
		})
	}
	ok(t, good.Check(x.rootKey(), logbook.KeySet{}))
	revoking, _, err := x.book.KeySet(t.Context(), x.id)
	ok(t, err)
	revoking.Version++
	revoking.Keys[0].RevokedFrom = 1
	code(t, good.Check(x.rootKey(), revoking), core.CodeDenied)
	data := must[[]byte](t)(wire.Encode(good))
	if len(data) > logbook.MaxEntry {
		t.Fatalf("a proof of %d bytes does not fit an entry", len(data))
	}
	again := must[logbook.Fork](t)(format.DecodeFork(data))
	ok(t, again.Check(x.rootKey(), logbook.KeySet{}))
}

// A false accusation in somebody's log stops neither its reader nor the accused.
func TestFalseAccusation(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, accuser := v[0], v[1], v[2]
	_, keys, err := a.book.KeySet(t.Context(), a.id)
	ok(t, err)
	f := logbook.Fork{Origin: a.id, Epoch: 1, KeySet: keys, A: "x\n1\nAAAA\n\n", B: "x\n1\nBBBB\n\n"}
	must[logbook.Entry](t)(accuser.book.Append(t.Context(), logbook.TypFork, nil, 0, f))
	must[logbook.Entry](t)(accuser.book.Append(t.Context(), logbook.TypKeySet, nil, 0, seal.Envelope{}))
	accuser.say(t, 1)
	b.pull(t, accuser)
	var read diary
	b.deliver(t, read.reader("r"))
	if len(read.heard) != 1 || b.sees(t, a).State != logbook.Fresh {
		t.Fatalf("%v, %+v", read.heard, b.sees(t, a))
	}
	c.pass(time.Minute)
}

// Forgetting a member and following it again is no pardon.
func TestForgettingIsNoPardon(t *testing.T) {
	c := newClock()
	liar := found(t, "chaton-x.test", sqlite(t), c)
	twin := twinOf(t, liar)
	b := found(t, "chaton-b.test", sqlite(t), c)
	b.meet(t, liar)
	liar.say(t, 1)
	twin.say(t, 2)
	b.pull(t, liar)
	_ = b.book.SyncAt(t.Context(), liar.id, twin.server.URL)
	ok(t, b.book.Unfollow(t.Context(), liar.id))
	b.meet(t, liar)
	if m := b.sees(t, liar); m.State != logbook.Suspended {
		t.Fatalf("%+v", m)
	}
	ok(t, b.book.Pardon(t.Context(), liar.id))
	ok(t, b.book.Unfollow(t.Context(), liar.id))
	b.meet(t, liar)
	if m := b.sees(t, liar); m.State != logbook.Fresh {
		t.Fatalf("pardoned, and %s", m.State)
	}
}
