package logbook_test

import (
	"fmt"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
)

// next signs a member's next key set after a change.
func (h *hoster) next(t *testing.T, change func(*logbook.KeySet)) seal.Envelope {
	t.Helper()
	keys, _, err := h.book.KeySet(t.Context(), h.id)
	ok(t, err)
	keys.Version++
	change(&keys)
	return must[seal.Envelope](t)(keys.Sign(h.root))
}

func TestRecoverFromNothingGoesOnWithoutFork(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	for i := range 3 {
		a.say(t, i)
	}
	b.pull(t, a)
	a.say(t, 3)
	w.pull(t, a) // c holds one more than b
	a.dark.Store(true)

	again := bare(t, a.id, sqlite(t), c, a.root)
	_, err := again.recover(t, "http://127.0.0.1:1")
	code(t, err, core.CodeUnsure)
	size, err := again.recover(t, b.server.URL, "http://127.0.0.1:1", w.server.URL)
	if err != nil || size != 5 {
		t.Fatal(size, err)
	}
	if e := again.say(t, 10); e.Index != 6 {
		t.Fatalf("appended at %d", e.Index)
	}
	// Both were told of the new key and address; the rest comes by the exchange.
	ok(t, again.book.Push(t.Context()))
	for _, h := range []*hoster{b, w} {
		if m := h.sees(t, a); m.Size != 7 || m.State != logbook.Fresh || m.URL != again.server.URL {
			t.Fatalf("%s: %+v", h.id, m)
		}
		keys, err := h.book.Keys(t.Context(), a.id)
		if err != nil || len(keys) != 1 || !keys[0].Equal(again.signer.Public()) {
			t.Fatal("the lost machine's key still counts", err)
		}
	}
	must[int64](t)(again.book.Verify(t.Context(), a.id))
	_, err = again.recover(t)
	code(t, err, core.CodeConflict)
}

// Another mirror holds more than the one we recovered from: that is revoked with
// the key, not a fork.
func TestRecoverLeavesTheRestRevoked(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	a.say(t, 1)
	b.pull(t, a)
	a.say(t, 2)
	a.say(t, 3)
	w.pull(t, a)
	var read diary
	w.deliver(t, read.reader("r"))
	a.dark.Store(true)
	w.dark.Store(true)
	again := bare(t, a.id, sqlite(t), c, a.root)
	if size := must[int64](t)(again.recover(t, b.server.URL)); size != 2 {
		t.Fatal(size)
	}
	again.say(t, 9)
	w.dark.Store(false)
	w.meet(t, again)
	if m := w.sees(t, a); m.State != logbook.Fresh || m.Size != 4 {
		t.Fatalf("%+v", m)
	}
	w.deliver(t, read.reader("r"))
	if fmt.Sprint(read.heard, read.cuts) != "[1 2 3 3] [2]" {
		t.Fatalf("told %v, taken back %v", read.heard, read.cuts)
	}
	must[int64](t)(w.book.Verify(t.Context(), a.id))
}

// Who gave us our log back did not know that we had changed our key since; who knows
// it takes the recovered node's key all the same.
func TestRecoverFromAMirrorThatIsBehind(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	a.say(t, 1)
	b.pull(t, a)
	w.pull(t, a)
	must[int64](t)(a.book.Recovery.ReplaceKeys(t.Context(), a.root, a.server.URL))
	w.pull(t, a)
	a.dark.Store(true)
	again := bare(t, a.id, sqlite(t), c, a.root)
	must[int64](t)(again.recover(t, b.server.URL))
	w.meet(t, again)
	keys, err := w.book.Keys(t.Context(), a.id)
	if err != nil || len(keys) != 1 || !keys[0].Equal(again.signer.Public()) {
		t.Fatal("the recovered node's key does not count", err)
	}
}

// A thief with the online key writes on. The root key revokes it: what it wrote
// leaves every log, is told to readers, and the log goes on.
func TestStolenKeyIsRevokedFromASize(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	thief := twinOf(t, a)
	for i := range 30 {
		thief.say(t, 100+i)
	}
	ok(t, b.book.SyncAt(t.Context(), a.id, thief.server.URL))
	var read diary
	b.deliver(t, read.reader("r"))
	if len(read.heard) != 31 {
		t.Fatal(len(read.heard))
	}
	old := a.signer
	a.signer = seal.NewSigner(a.id, newKey(t))
	doc := a.next(t, func(k *logbook.KeySet) {
		k.Keys[0].RevokedFrom = 2
		k.Keys = append(k.Keys, format.NewKey(a.signer.Public()))
	})
	a.open(t, a.db)
	ok(t, a.book.Publish(t.Context(), doc))
	a.say(t, 2)
	b.pull(t, a)
	b.deliver(t, read.reader("r"))
	m := b.sees(t, a)
	if m.State != logbook.Fresh || m.Size != 4 || fmt.Sprint(read.cuts) != "[2]" || read.heard[len(read.heard)-1] != 3 {
		t.Fatalf("%+v, cuts %v, heard %v", m, read.cuts, read.heard)
	}
	must[int64](t)(b.book.Verify(t.Context(), a.id))
	// The thief's heads do not count any more, wherever they come from.
	if err := b.book.SyncAt(t.Context(), a.id, thief.server.URL); core.CodeOf(err) != core.CodeDenied {
		t.Fatal(err)
	}
	if !old.Public().Equal(thief.signer.Public()) {
		t.Fatal("the thief must have the old key")
	}
}

func TestKeyRotationTravels(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	next := seal.NewSigner(a.id, newKey(t))
	ok(t, a.book.Publish(t.Context(), a.next(t, func(k *logbook.KeySet) { k.Keys = append(k.Keys, format.NewKey(next.Public())) })))
	size := a.sees(t, a).Size
	a.signer = next
	a.open(t, a.db)
	ok(t, a.book.Publish(t.Context(), a.next(t, func(k *logbook.KeySet) { k.Keys[0].RevokedFrom = size })))
	a.say(t, 1)
	// b is posted to although it knew neither key set; c hears of all by b alone.
	ok(t, a.book.Push(t.Context()))
	a.dark.Store(true)
	w.pull(t, b)
	for _, h := range []*hoster{b, w} {
		if m := h.sees(t, a); m.Size != 4 || m.Version != 3 || m.State != logbook.Fresh {
			t.Fatalf("%s: %+v", h.id, m)
		}
	}
	code(t, a.book.Publish(t.Context(), a.next(t, func(k *logbook.KeySet) { k.Version = 2 })), core.CodeConflict)
	// A node whose key the set does not name does not sign.
	stray := process(&hoster{id: a.id, signer: seal.NewSigner(a.id, newKey(t)), clock: c}, a.db)
	ok(t, stray.Guard.ConfirmAlone(t.Context()))
	code(t, add(t, stray), core.CodeDenied)
}

// Two machines wrote by accident: the root key closes the log where it was good
// and opens a new one. Everybody goes on, in order, with everything that was good.
func TestNewEpoch(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b := v[0], v[1]
	for i := range 3 {
		a.say(t, i)
	}
	ok(t, a.book.Push(t.Context()))
	a.say(t, 77) // nobody has seen this one
	b.pull(t, a)
	var read diary
	b.deliver(t, read.reader("r"))

	epoch := must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, -1))
	if epoch != 2 {
		t.Fatal(epoch)
	}
	if e := a.say(t, 9); e.Index != 5 { // 4 good ones, and the key set
		t.Fatalf("appended at %d", e.Index)
	}
	b.pull(t, a)
	b.deliver(t, read.reader("r"))
	if m := b.sees(t, a); m.Epoch != 2 || m.Size != 6 || m.State != logbook.Fresh {
		t.Fatalf("%+v", m)
	}
	if fmt.Sprint(read.heard, read.cuts) != "[1 2 3 4 5] [4]" {
		t.Fatalf("told %v, taken back %v", read.heard, read.cuts)
	}
	// A newcomer gets both epochs from b, the author being away.
	a.dark.Store(true)
	late := found(t, "chaton-z.test", sqlite(t), c)
	late.meet(t, b)
	ok(t, late.book.Follow(t.Context(), a.id, a.server.URL, a.rootKey()))
	late.pull(t, b)
	var told diary
	late.deliver(t, told.reader("r"))
	if fmt.Sprint(told.heard) != "[1 2 3 5]" {
		t.Fatalf("the newcomer was told %v", told.heard)
	}
	for _, h := range []*hoster{a, b, late} {
		if size := must[int64](t)(h.book.Verify(t.Context(), a.id)); size != 6 {
			t.Fatalf("%s verified %d", h.id, size)
		}
	}
	c.pass(time.Minute)
}

// A closed log cannot be opened again, nor closed otherwise.
func TestClosedStaysClosed(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, 1))
	b.pull(t, a)
	code(t, b.book.Learn(t.Context(), a.id, a.next(t, func(k *logbook.KeySet) { k.Closed = nil })), core.CodeInvalid)
	code(t, b.book.Learn(t.Context(), a.id, a.next(t, func(k *logbook.KeySet) { k.Closed[0].Size = 0 })), core.CodeInvalid)
	stranger := newKey(t)
	keys, _, err := a.book.KeySet(t.Context(), a.id)
	ok(t, err)
	keys.Version++
	code(t, b.book.Learn(t.Context(), a.id, must[seal.Envelope](t)(keys.Sign(stranger))), core.CodeDenied)
}
