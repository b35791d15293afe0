package throttle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/migrations"
)

type world struct {
	*Throttle
	t  *testing.T
	mu sync.Mutex
	at time.Time
}

func newWorld(t *testing.T, d *db.DB) *world {
	w := &world{t: t, at: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)}
	w.Throttle = New(Needs{DB: d, Box: seal.NewBox([32]byte{1}), URL: "https://chaton-a.test", Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.at
	}})
	w.from = networkOf
	return w
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

type networkKey struct{}

func networkOf(ctx context.Context) netip.Prefix {
	p, _ := ctx.Value(networkKey{}).(netip.Prefix)
	return p
}

// from is a request of a browser in a network.
func from(t *testing.T, address string, cookies ...*http.Cookie) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), networkKey{}, netip.MustParsePrefix(address)), http.MethodPost, "/sign-in", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// try says whether a guess is let through, without being held.
func (w *world) try(r *http.Request, account string, good bool) bool {
	w.t.Helper()
	w.held.Add(maxHeld) // nothing is held
	defer w.held.Add(-maxHeld)
	done, err := w.Try(r, account)
	if core.CodeOf(err) == core.CodeUnsure {
		return false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	done(good)
	return true
}

func TestGuessesFromOnePlace(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		r := from(t, "192.0.2.1/32")
		for i := range 5 {
			if !w.try(r, "alice", false) {
				t.Error("refused at once", i)
			}
		}
		if w.try(r, "alice", true) {
			t.Error("the sixth is not delayed")
		}
		if !w.try(r, "bob", false) || !w.try(from(t, "192.0.2.2/32"), "alice", false) {
			t.Error("another account, or another network, is delayed")
		}
		// 1, 2, 4... seconds, 15 minutes at most.
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			w.pass(want*time.Second - time.Millisecond)
			if w.try(r, "alice", false) {
				t.Errorf("delay %d is shorter than %v", i, want*time.Second)
			}
			w.pass(time.Millisecond)
			if !w.try(r, "alice", false) {
				t.Fatalf("delay %d is longer than %v", i, want*time.Second)
			}
		}
		for i := range 5 {
			if !w.try(r, "carol", false) {
				t.Error("refused", i)
			}
		}
		w.pass(time.Second)
		if !w.try(r, "carol", true) { // the right one
			t.Error("refused")
		}
		for i := range 5 {
			if !w.try(r, "carol", false) {
				t.Error("a right password did not begin anew", i)
			}
		}
	})
}

// One person's names are one tally, and nobody learns from it which names are one person's:
// the guess is let through, and answered as a wrong one.
func TestNamesOfOneOwner(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		r := from(t, "192.0.2.1/32")
		guess := func(name, owner string) bool {
			t.Helper()
			_, late, err := w.TryOf(r, name, owner)
			if err != nil {
				t.Fatal(err)
			}
			return late
		}
		for i := range 5 {
			if guess([]string{"alice", "alice@mail.test"}[i%2], "ID1") {
				t.Error("late at once", i)
			}
		}
		if !guess("alice", "ID1") || !guess("alice@mail.test", "ID1") {
			t.Error("the second name brings five guesses more")
		}
		if guess("bob", "ID2") || guess("nobody", "nobody/nobody") {
			t.Error("another account is late")
		}
		w.pass(time.Second)
		done, late, err := w.TryOf(r, "alice@mail.test", "ID1")
		if err != nil || late {
			t.Fatal(late, err)
		}
		done(true)
		for i := range 5 {
			if guess("alice@mail.test", "ID1") {
				t.Error("a right one did not begin anew", i)
			}
		}
	})
}

// Very many networks guess at one account: who signed in before in this browser never waits, and
// is held by nothing that strangers do.
func TestKnownBrowserUnderAttack(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		rec := httptest.NewRecorder()
		w.Remember(rec, from(t, "192.0.2.1/32"), "alice", "alice@chaton-a.test", "")
		known := rec.Result().Cookies()[0]
		if known.Name != "__Host-entrechat-known" || !known.Secure || !known.HttpOnly || strings.Contains(known.Value, "alice") {
			t.Error(known)
		}
		through := 0
		for i := range 200 {
			if w.try(from(t, fmt.Sprintf("198.51.100.%d/32", i)), "alice", false) {
				through++
			}
			w.pass(time.Second)
		}
		if through < 20 || through > 60 {
			t.Errorf("%d guesses of 200 got through", through)
		}
		for _, address := range []string{"192.0.2.1/32", "198.51.100.7/32", "2001:db8::/64"} {
			for range 6 {
				if !w.try(from(t, address, known), "alice", true) {
					t.Error("the right password of a known browser waits")
				}
			}
		}
		if !w.try(from(t, "192.0.2.1/32", known), "alice@chaton-a.test", true) {
			t.Error("the other name of the account")
		}
		if w.try(from(t, "203.0.113.1/32"), "alice", false) {
			t.Error("a new network gets through in the middle of it")
		}
		w.pass(mostDelay)
		if !w.try(from(t, "203.0.113.1/32"), "alice", true) {
			t.Error("waits longer than the longest delay")
		}
		// A known browser that guesses is delayed by itself.
		n := 0
		for range 20 {
			if w.try(from(t, "192.0.2.1/32", known), "alice", false) {
				n++
			}
		}
		if n != 5 {
			t.Errorf("a stolen cookie has %d guesses", n)
		}
		// It is known at its own accounts only.
		for range 20 {
			w.try(from(t, "192.0.2.9/32", known), "bob", false)
		}
		if w.try(from(t, "192.0.2.9/32", known), "bob", false) {
			t.Error("known where it never signed in")
		}
	})
}

func TestBoundsInMemory(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	// One network, very many accounts.
	n := 0
	for i := range 100 {
		if w.try(from(t, "192.0.2.1/32"), fmt.Sprint("account", i), false) {
			n++
		}
	}
	if n != networkBurst {
		t.Errorf("one network has %d guesses", n)
	}
	w.pass(networkEvery)
	if !w.try(from(t, "192.0.2.1/32"), "x", false) || w.try(from(t, "192.0.2.1/32"), "y", false) {
		t.Error("one more in", networkEvery)
	}
	// Very many networks.
	var l limits
	now := w.at
	for i := range 3 * maxNetworks {
		l.network(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), now)
	}
	if len(l.networks) != maxNetworks || l.order.Len() != maxNetworks {
		t.Error(len(l.networks), l.order.Len())
	}
	n = 0
	for range 2 * globalBurst {
		if l.everybody(now) == 0 {
			n++
		}
	}
	if n != globalBurst || l.everybody(now.Add(globalEvery)) != 0 {
		t.Error(n)
	}
	if l.network(netip.Prefix{}, now) != 0 {
		t.Error("a proxy that tells nothing is counted as one visitor")
	}
}

// Guesses of one moment do not share one.
func TestGuessesAtOnce(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.held.Add(maxHeld)
		var through atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := w.Try(from(t, "192.0.2.1/32"), "alice")
				switch {
				case err == nil:
					through.Add(1)
				case core.CodeOf(err) != core.CodeUnsure:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := through.Load(); n < 1 || n > 5 {
			t.Errorf("%d guesses at once", n)
		}
	})
}

func TestShortWaitsAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t, "identity", migrations.Files)
		w := New(Needs{DB: d, Box: seal.NewBox([32]byte{1}), URL: "http://x.test", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		w.from = networkOf
		r := from(t, "192.0.2.1/32")
		begun := time.Now()
		for range 5 {
			if _, err := w.Try(r, "alice"); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(begun) != 0 {
			t.Error("held without a need")
		}
		if _, err := w.Try(r, "alice"); err != nil || time.Since(begun) != time.Second {
			t.Error(err, time.Since(begun))
		}
		if _, err := w.Try(r, "alice"); err != nil || time.Since(begun) != 3*time.Second {
			t.Error(err, time.Since(begun))
		}
		_, err := w.Try(r, "alice")
		var e *core.Error
		if !errors.As(err, &e) || e.Key != "identity.throttle.wait" || e.Args["Count"] != 4 {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(r.Context())
		time.Sleep(3 * time.Second)
		cancel()
		if _, err := w.Try(r.WithContext(ctx), "alice"); err == nil {
			t.Error("who went away is let through")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestForget(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for i := range 10 {
			w.try(from(t, "192.0.2.1/32"), fmt.Sprint("account", i), false)
			w.pass(time.Second)
		}
		count := func() int64 {
			n, err := db.One(t.Context(), d, db.Int64, `SELECT count(*) FROM identity_throttle`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != 20 {
			t.Error(n)
		}
		if err := forget(t.Context(), d, 0, 6); err != nil || count() != 8 { // two of each moment
			t.Error(err, count())
		}
		w.pass(forgetIn)
		if err := w.Jobs()[0].Run(t.Context()); err != nil || count() != 0 {
			t.Error(err, count())
		}
	})
}

// However guesses and the clock go: nobody waits longer than the longest delay, and of any
// hour's guesses few get through.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SampledFrom([]bound{atPlace(), atAccount()}).Draw(t, "bound")
		now, through := core.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), int64(0)
		begun := now
		var at tally
		for range rapid.IntRange(1, 300).Draw(t, "guesses") {
			next, wait := at.charge(b, now)
			if wait < 0 || wait > b.most {
				t.Fatal(wait)
			}
			if wait == 0 {
				through++
			} else if next != at && next != (tally{}) {
				t.Fatal("a refused guess is counted")
			}
			at = next
			now = now.Add(time.Duration(rapid.Int64Range(-5, 20).Draw(t, "s")) * time.Second)
		}
		// Behind the free ones, delays of 1, 2, 4... seconds.
		if most := b.free + b.every*12 + int64(now.Sub(begun)/b.most) + 60; through > most {
			t.Fatal(through, most)
		}
	})
}

func TestCookiesOfOthers(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	tag := w.tag("alice")
	good := device{}.with([][tagSize]byte{tag}, w.now())
	text := good.encode(w.Throttle)
	if got := w.decode(text, w.now()); !got.knows(tag) || got.id != good.id || got.knows(w.tag("bob")) {
		t.Error(got)
	}
	for i := range len(text) {
		for _, c := range []byte{'A', 'B', '-'} {
			broken := []byte(text)
			if broken[i] == c {
				continue
			}
			broken[i] = c
			if w.decode(string(broken), w.now()).until != 0 {
				t.Errorf("changed at %d and taken", i)
			}
		}
		if w.decode(text[:i], w.now()).until != 0 {
			t.Errorf("cut at %d and taken", i)
		}
	}
	if w.decode(text, w.now().Add(deviceLives+time.Second)).until != 0 {
		t.Error("taken after its time")
	}
	many := good
	for i := range 20 {
		many = many.with([][tagSize]byte{w.tag(fmt.Sprint(i))}, w.now())
	}
	if got := w.decode(many.encode(w.Throttle), w.now()); len(got.tags) != maxTags || got.id != good.id || !got.knows(w.tag("19")) || got.knows(tag) {
		t.Error(got)
	}
	if again := good.with([][tagSize]byte{tag}, w.now()); len(again.tags) != 1 {
		t.Error(again)
	}
}

func FuzzCookie(f *testing.F) {
	w := &Throttle{key: bytes.Repeat([]byte{1}, 32)}
	f.Add(device{}.with([][tagSize]byte{w.tag("alice")}, 1).encode(w))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if d := w.decode(text, 1); d.until != 0 && d.encode(w) != text {
			t.Errorf("%q is taken", text)
		}
	})
}
