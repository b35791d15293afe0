package logbook_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
)

// rotate gives a member a new key, as the command does: another process beside the
// stopped node.
func (h *hoster) rotate(t *testing.T) {
	t.Helper()
	h.signer = seal.NewSigner(h.id, newKey(t))
	h.open(t, h.db)
	must[int64](t)(h.book.Recovery.ReplaceKeys(t.Context(), h.root, h.server.URL))
}

func TestReplacedKeyCountsNowhere(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	ok(t, a.book.Push(t.Context()))
	thief := twinOf(t, a)
	thief.say(t, 66) // and shows it only once the key is replaced
	a.rotate(t)
	a.say(t, 2)
	b.pull(t, a)
	if m := b.sees(t, a); m.Size != 4 || m.Version != 2 || m.State != logbook.Fresh {
		t.Fatalf("%+v", m)
	}
	code(t, b.book.SyncAt(t.Context(), a.id, thief.server.URL), core.CodeDenied)
	keys := must[[]byte](t)(firstKey(b.book.Keys(t.Context(), a.id)))
	if !bytes.Equal(keys, a.signer.Public()) {
		t.Fatal("the old key still counts")
	}
	must[int64](t)(a.book.Verify(t.Context(), a.id))
}

func firstKey[K ~[]byte](keys []K, err error) ([]byte, error) {
	if err != nil || len(keys) != 1 {
		return nil, fmt.Errorf("%d keys: %w", len(keys), err)
	}
	return keys[0], nil
}

// A copy from before the rotation comes up: its key was given up, and no command
// makes it good again.
func TestRevokedKeyStaysRevoked(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	ok(t, a.book.Push(t.Context()))
	before, old := a.backup(t), a.signer
	a.rotate(t)
	ok(t, a.book.Push(t.Context()))
	b.pull(t, a)
	a.signer = old
	a.open(t, before)
	_, err := a.book.Recovery.OpenEpoch(t.Context(), a.root, -1)
	code(t, err, core.CodeDenied)
	_, err = a.book.Recovery.ReplaceKeys(t.Context(), a.root, a.server.URL)
	code(t, err, core.CodeDenied)
	a.rotate(t)
	a.say(t, 2)
	b.pull(t, a)
	if m := b.sees(t, a); m.Version != 3 || m.State != logbook.Fresh {
		t.Fatalf("%+v", m)
	}
}

// A new epoch is newer than every key set a mirror knows, even on a disk that was
// taken back in time; while no mirror answers it waits.
func TestEpochAsksMirrorsFirst(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	ok(t, a.book.Push(t.Context()))
	before := a.backup(t)
	ok(t, a.book.Publish(t.Context(), a.next(t, func(k *logbook.KeySet) { k.URL = strings.Replace(k.URL, "127.0.0.1", "localhost", 1) })))
	b.pull(t, a)
	a.open(t, before)
	b.dark.Store(true)
	_, err := a.book.Recovery.OpenEpoch(t.Context(), a.root, -1)
	code(t, err, core.CodeUnsure)
	b.dark.Store(false)
	must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, -1))
	b.pull(t, a)
	if m := b.sees(t, a); m.Version != 3 || m.Epoch != 2 || m.State != logbook.Fresh {
		t.Fatalf("%+v", m)
	}
}

// The disk changed an entry and nobody has it any more: only a new epoch before it
// helps.
func TestEpochBeforeTheDamage(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	a.say(t, 2)
	ok(t, a.book.Push(t.Context()))
	if n := must[int64](t)(db.Exec(t.Context(), a.db, `UPDATE logbook_entry SET data = $1 WHERE idx = 2`, []byte("{}"))); n != 1 {
		t.Fatal(n)
	}
	b.dark.Store(true)
	_, err := a.book.Append(t.Context(), "entrechat/test/1", nil, 0, map[string]int{"n": 3})
	code(t, err, core.CodeInternal)
	b.dark.Store(false)
	must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, 2))
	if e := a.say(t, 3); e.Index != 3 {
		t.Fatal(e.Index)
	}
	b.pull(t, a)
	if m := b.sees(t, a); m.Size != 4 || m.Epoch != 2 || m.State != logbook.Fresh {
		t.Fatalf("%+v", m)
	}
	for _, h := range v {
		must[int64](t)(h.book.Verify(t.Context(), a.id))
	}
	// What was closed before stays closed; sizes count the whole history.
	_, err = a.book.Recovery.OpenEpoch(t.Context(), a.root, 1)
	code(t, err, core.CodeInvalid)
	if epoch := must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, 3)); epoch != 3 {
		t.Fatal(epoch)
	}
	if e := a.say(t, 4); e.Index != 4 {
		t.Fatal(e.Index)
	}
}

// Two witnesses of one fork have two proofs. The second one, coming after the root
// key closed that log and people pardoned, does not start it all anew; a fork of the
// new log does.
func TestSettledForkStaysSettled(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	twin := twinOf(t, a)
	for i := range 2 {
		twin.say(t, 1000+i)
		a.say(t, i)
		h := v[1+i] // each sees another pair of heads
		h.pull(t, a)
		if err := h.book.SyncAt(t.Context(), a.id, twin.server.URL); err == nil {
			t.Fatal("two histories went in")
		}
		h.deliver(t)
	}
	a.pull(t, b)
	a.deliver(t)
	code(t, a.book.Guard.Stopped(t.Context()), core.CodeConflict)
	must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, 2))
	a.pull(t, w)
	a.deliver(t)
	a.say(t, 5)

	ok(t, b.book.Pardon(t.Context(), a.id))
	b.pull(t, a)
	b.pull(t, w)
	b.deliver(t)
	if m := b.sees(t, a); m.State != logbook.Fresh || m.Epoch != 2 {
		t.Fatalf("b: %+v", m)
	}
	if kept := must[[]logbook.Evidence](t)(b.book.Forks(t.Context())); len(kept) != 2 || kept[1].Pardoned == 0 {
		t.Fatalf("%d proofs", len(kept))
	}
	if m := w.sees(t, a); m.State != logbook.Suspended {
		t.Fatalf("c decides for itself: %+v", m)
	}

	again := twinOf(t, a)
	again.say(t, 2000)
	a.say(t, 6)
	b.pull(t, a)
	if err := b.book.SyncAt(t.Context(), a.id, again.server.URL); err == nil {
		t.Fatal("two histories went in")
	}
	if m := b.sees(t, a); m.State != logbook.Suspended {
		t.Fatalf("b: %+v", m)
	}
}
