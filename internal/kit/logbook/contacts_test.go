package logbook_test

import (
	"testing"
	"time"

	"entrechat/internal/kit/logbook"
)

// silence has a member try another in vain for so long that the next try is an hour
// away.
func (h *hoster) silence(t *testing.T, o *hoster) {
	t.Helper()
	o.dark.Store(true)
	for range 8 {
		h.say(t, 0)
		ok(t, h.book.Push(t.Context()))
		h.clock.pass(h.contact(t, o).Next.Time().Sub(h.clock.now) + time.Second)
	}
	ok(t, h.book.Push(t.Context()))
	if left := h.contact(t, o).Next.Time().Sub(h.clock.now); left < 50*time.Minute {
		t.Fatalf("asked again in %s", left)
	}
}

func (h *hoster) contact(t *testing.T, o *hoster) logbook.Contact {
	t.Helper()
	for _, c := range must[[]logbook.Contact](t)(h.book.Contacts(t.Context())) {
		if c.Member == o.id {
			return c
		}
	}
	t.Fatalf("%s does not exchange with %s", h.id, o.id)
	return logbook.Contact{}
}

// A member that was away for hours and calls is told at once what it missed, not when
// its turn would have come: whether it asks for heads or posts.
func TestWhoCallsIsCalled(t *testing.T) {
	for name, call := range map[string]func(t *testing.T, b, a *hoster){
		"asks":  func(t *testing.T, b, a *hoster) { b.pull(t, a) },
		"posts": func(t *testing.T, b, _ *hoster) { b.say(t, 9); ok(t, b.book.Push(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			v := village(t, c, "chaton-a.test", "chaton-b.test")
			a, b := v[0], v[1]
			a.silence(t, b)
			b.dark.Store(false)
			call(t, b, a)
			e := a.say(t, 1)
			ok(t, a.book.Push(t.Context()))
			if got := b.sees(t, a).Size; got != e.Index+1 {
				t.Fatalf("b holds %d entries of %d", got, e.Index+1)
			}
			if trouble := a.contact(t, b).Trouble; trouble != nil {
				t.Fatal(trouble)
			}
		})
	}
}

// A member behind a home line calls every minute and cannot be called: it is tried
// now and then, not at each of its calls.
func TestWhoOnlyCallsIsTriedNowAndThen(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.silence(t, b)
	before := a.contact(t, b).Tries
	for range 30 {
		c.pass(time.Minute)
		b.pull(t, a)
		ok(t, a.book.Push(t.Context()))
	}
	if tries := a.contact(t, b).Tries - before; tries < 5 || tries > 7 {
		t.Fatalf("%d tries in half an hour", tries)
	}
}

// Who was refused for long tells everybody of its new logbook at once: that may be what
// was wrong.
func TestANewLogbookIsToldAtOnce(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	twin := twinOf(t, a)
	a.say(t, 1)
	twin.say(t, 2)
	b.pull(t, a)
	if err := b.book.SyncAt(t.Context(), a.id, twin.server.URL); err == nil {
		t.Fatal("two histories went in")
	}
	for range 8 {
		a.say(t, 3)
		ok(t, a.book.Push(t.Context()))
		c.pass(2 * time.Hour)
	}
	a.say(t, 3)
	ok(t, a.book.Push(t.Context()))
	if tries := a.contact(t, b).Tries; tries != 9 {
		t.Fatalf("refused %d times", tries)
	}
	must[int64](t)(a.book.Recovery.OpenEpoch(t.Context(), a.root, -1))
	ok(t, a.book.Push(t.Context()))
	if again := a.contact(t, b).Tries; again != 1 {
		t.Fatalf("b was not told of the new logbook: %d tries", again)
	}
}

// People who pardon a member do not wait until its turn comes, in an hour.
func TestWhoIsPardonedIsAskedAtOnce(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	twin := twinOf(t, a)
	a.say(t, 1)
	twin.say(t, 2)
	b.pull(t, a)
	b.silence(t, a)
	if err := b.book.SyncAt(t.Context(), a.id, twin.server.URL); err == nil {
		t.Fatal("two histories went in")
	}
	a.dark.Store(false)
	e := a.say(t, 3)
	ok(t, b.book.Pardon(t.Context(), a.id))
	ok(t, b.book.Pull(t.Context()))
	if m := b.sees(t, a); m.State != logbook.Fresh || m.Size != e.Index+1 {
		t.Fatalf("b after pardon: %+v", m)
	}
}

// A member that moved is called at its new address at once.
func TestWhoMovedIsCalledThere(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, w := v[0], v[1], v[2]
	b.dark.Store(true) // its old address
	for range 8 {
		a.say(t, 0)
		ok(t, a.book.Push(t.Context()))
		c.pass(2 * time.Hour)
	}
	ok(t, a.book.Push(t.Context()))
	moved := bare(t, b.id, b.db, c, b.root)
	moved.signer = b.signer
	moved.open(t, b.db)
	must[int64](t)(moved.book.Recovery.ReplaceKeys(t.Context(), b.root, moved.server.URL))
	w.meet(t, moved) // c hears of it, a has it from c
	a.pull(t, w)
	e := a.say(t, 1)
	ok(t, a.book.Push(t.Context()))
	if m := moved.sees(t, a); m.Size != e.Index+1 {
		t.Fatalf("b holds %d entries of %d", m.Size, e.Index+1)
	}
}

// Who did not answer is posted to when its turn comes again, in a minute, and not when
// everybody's has.
func TestWhoDidNotAnswerIsPostedToInTime(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	e := a.say(t, 1)
	b.dark.Store(true)
	ok(t, a.book.Push(t.Context()))
	b.dark.Store(false)
	c.pass(2 * time.Second)
	ok(t, a.book.Push(t.Context())) // too early
	c.pass(a.contact(t, b).Next.Time().Sub(c.now))
	ok(t, a.book.Push(t.Context()))
	if got := b.sees(t, a).Size; got != e.Index+1 {
		t.Fatalf("b holds %d entries of %d", got, e.Index+1)
	}
}

// A node that was started again asks everybody at once, and then each in its turn.
func TestAStartWaitsForNobody(t *testing.T) {
	v := village(t, newClock(), "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	a.silence(t, b)
	b.dark.Store(false)
	e := a.say(t, 1)
	book := beside(a)
	push := func() {
		t.Helper()
		for _, job := range book.Jobs(nil) {
			if job.Name == "logbook-push" {
				ok(t, job.Run(t.Context()))
			}
		}
	}
	push()
	if got := b.sees(t, a).Size; got != e.Index+1 {
		t.Fatalf("b holds %d entries of %d", got, e.Index+1)
	}
	b.dark.Store(true)
	a.say(t, 2)
	push()
	b.dark.Store(false)
	before := a.contact(t, b).Tries
	push()
	if tries := a.contact(t, b).Tries; before == 0 || tries != before {
		t.Errorf("%d tries, then %d, of who has to be waited for", before, tries)
	}
}
