package logbook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
)

// One neighbour answers and the others keep every request open: whichever it is, it
// is posted to and pulled from all the same, and keys are announced to it.
func TestASlowNeighbourHoldsNobodyUp(t *testing.T) {
	for _, live := range []int{1, 2, 3} {
		t.Run(string(rune('a'+live)), func(t *testing.T) {
			t.Parallel()
			c := newClock()
			v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test", "chaton-d.test")
			a := v[0]
			e := a.say(t, 1)
			theirs := v[live].say(t, 2)
			for i, h := range v[1:] {
				h.held.Store(i+1 != live)
			}
			work, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 2)
			go func() { done <- a.book.Push(work) }()
			go func() { done <- a.book.Pull(work) }()
			until(t, func() bool {
				return v[live].sees(t, a).Size == e.Index+1 && a.sees(t, v[live]).Size == theirs.Index+1
			})
			cancel()
			for range cap(done) {
				if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
}

// until waits for what happens beside the test.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	for range 6000 { // two minutes
		if happened() {
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatal("did not happen")
}

// Two mirrors keep the question how far they hold our log open, the third answers:
// the guard passes by its answer.
func TestTheGuardAsksSideBySide(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test", "chaton-d.test")
	a := v[0]
	a.say(t, 1)
	ok(t, a.book.Push(t.Context()))
	for live := 1; live < len(v); live++ {
		for i, h := range v[1:] {
			h.held.Store(i+1 != live)
		}
		c.pass(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // one that is held may take 20
		_, err := a.book.Append(ctx, "entrechat/test/1", nil, 0, 1)
		cancel()
		ok(t, err)
	}
}

// Who is late is kept with what is wrong, and forgotten when it answers.
func TestTroubleIsNamed(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	b.dark.Store(true)
	ok(t, a.book.Push(t.Context()))
	began := core.At(c.Now())
	c.pass(2 * time.Hour)
	ok(t, a.book.Push(t.Context()))
	all := must[[]logbook.Contact](t)(a.book.Contacts(t.Context()))
	if len(all) != 1 || all[0].Trouble == nil || all[0].Trouble.Key != "peer.unreachable" || all[0].Since != began || all[0].Tries != 2 {
		t.Fatalf("%+v", all)
	}
	b.dark.Store(false)
	c.pass(2 * time.Hour)
	ok(t, a.book.Push(t.Context()))
	all = must[[]logbook.Contact](t)(a.book.Contacts(t.Context()))
	if len(all) != 1 || all[0].Trouble != nil || all[0].Since != 0 || all[0].Holds != 2 {
		t.Fatalf("%+v", all)
	}
}

// What is read of members is asked with a signature: they know us by it, and we do
// not wait among strangers.
func TestPullsAreSigned(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b := v[0], v[1]
	a.say(t, 1)
	for _, h := range v {
		h.unsigned.Store(0)
	}
	ok(t, b.book.Pull(t.Context()))
	ok(t, a.book.Push(t.Context()))
	if b.sees(t, a).Size != 2 {
		t.Fatalf("%+v", b.sees(t, a))
	}
	for _, h := range v {
		if n := h.unsigned.Load(); n != 0 {
			t.Errorf("%s was asked %d times without a signature", h.id, n)
		}
	}
}
