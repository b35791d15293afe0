package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// world is a scheduler with fake looks, on fake time.
type world struct {
	*Scheduler
	mu     sync.Mutex
	began  map[string][]time.Time // by target ID
	found  map[string][]look.Result
	hangs  func(t target.Target) bool
	now    map[string]int // in flight, by owner and by host
	most   map[string]int
	offset time.Duration // of our clock
}

func newWorld(t *testing.T) (w *world, stop func()) {
	w = &world{
		began: map[string][]time.Time{}, found: map[string][]look.Result{}, now: map[string]int{}, most: map[string]int{},
		hangs: func(target.Target) bool { return false },
	}
	w.Scheduler = New(Needs{
		Self: "chaton-a.test", Look: w.look, Now: w.clock, Log: slog.New(slog.DiscardHandler),
		Found: func(_ context.Context, t target.Target, r look.Result) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.found[t.ID] = append(w.found[t.ID], r)
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return w, func() { cancel(); ended.Wait() }
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset)
}

// look takes 50 ms, or 10 s and a timeout.
func (w *world) look(ctx context.Context, t target.Target) look.Result {
	names := []string{"owner " + string(t.Owner), "host " + hostOf(t), "all"}
	w.mu.Lock()
	w.began[t.ID] = append(w.began[t.ID], time.Now())
	for _, n := range names {
		w.now[n]++
		w.most[n] = max(w.most[n], w.now[n])
	}
	hangs := w.hangs(t)
	w.mu.Unlock()
	r, lasts := look.Result{At: core.At(time.Now())}, 50*time.Millisecond
	if hangs {
		r.Class, lasts = look.Timeout, 10*time.Second
	}
	select {
	case <-time.After(lasts):
	case <-ctx.Done():
		r.Class = look.Timeout
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range names {
		w.now[n]--
	}
	return r
}

// items are targets of hosters, each on a host of its own.
func items(hosters, each int, every time.Duration) []Item {
	var out []Item
	for h := range hosters {
		for i := range each {
			out = append(out, Item{Every: every, Phase: -1, Target: target.Target{
				ID: fmt.Sprintf("%08x%08x", h, i), Owner: core.MemberID(fmt.Sprintf("chaton-%d.test", h)), Kind: target.HTTP,
				Address: fmt.Sprintf("https://s%d.chaton-%d.test/", i, h),
			}})
		}
	}
	return out
}

func TestAllWithinOneIntervalAndThenAtTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		list := items(100, 20, 10*time.Second)
		begun := time.Now()
		w.Set(list)
		time.Sleep(10*time.Second + tick)
		w.mu.Lock()
		if len(w.began) != len(list) {
			t.Errorf("%d of %d targets were looked at within one interval", len(w.began), len(list))
		}
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		stop()
		for _, i := range list {
			all := w.began[i.Target.ID]
			if n := len(all); n < 60 || n > 62 {
				t.Fatalf("%s: %d looks in 610 s", i.Target.ID, n)
			}
			phase := all[0].Sub(begun)
			for k, at := range all[1:] {
				off := at.Sub(begun) - phase - time.Duration(k+1)*10*time.Second
				if off < -time.Second-2*tick || off > time.Second+2*tick {
					t.Fatalf("%s: look %d is %v beside its phase", i.Target.ID, k+1, off)
				}
			}
		}
		// The phases are spread: no second of the interval has more than twice its part.
		seconds := map[int]int{}
		for _, i := range list {
			seconds[int(w.began[i.Target.ID][0].Sub(begun)/time.Second)]++
		}
		for second, n := range seconds {
			if n > 400 {
				t.Errorf("%d of 2000 first looks in second %d", n, second)
			}
		}
		if c := w.Counts(); c.Missed != 0 {
			t.Errorf("%d looks were missed", c.Missed)
		}
	})
}

func TestVotersComeOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		list := items(1, 5, 60*time.Second)
		for j := range list {
			list[j].Phase = time.Duration(j) * 12 * time.Second
		}
		w.Set(list)
		time.Sleep(5 * time.Minute)
		stop()
		for j, i := range list {
			for n, at := range w.began[i.Target.ID] {
				off := (time.Duration(at.UnixNano()) - i.Phase + 30*time.Second) % (60 * time.Second)
				off -= 30 * time.Second
				if off < -6*time.Second-2*tick || off > 6*time.Second+2*tick || n == 0 && (off < 0 || off > 2*tick) {
					t.Errorf("voter %d, look %d: %v beside its phase", j, n, off)
				}
			}
		}
	})
}

func TestSetKeepsPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		list := items(1, 10, 60*time.Second)
		w.Set(list)
		time.Sleep(time.Minute + tick)
		first := map[string]time.Time{}
		w.mu.Lock()
		for id, all := range w.began {
			first[id] = all[0]
		}
		w.mu.Unlock()
		for range 50 { // each second a new list: nobody starts anew
			time.Sleep(time.Second)
			w.Set(append(items(1, 9, 60*time.Second), items(2, 9, 60*time.Second)[9:]...))
		}
		time.Sleep(5 * time.Minute)
		stop()
		for _, i := range list[:9] {
			all := w.began[i.Target.ID]
			if n := len(all); n < 6 || n > 8 {
				t.Errorf("%d looks in 6 to 7 minutes", n)
			}
			last := all[len(all)-1]
			off := (last.Sub(first[i.Target.ID]) + 30*time.Second) % (60 * time.Second)
			if off -= 30 * time.Second; off.Abs() > 6*time.Second+2*tick {
				t.Errorf("the phase moved by %v", off)
			}
		}
		if n := len(w.began[list[9].Target.ID]); n != 1 && n != 2 {
			t.Errorf("a target that was taken away had %d looks", n)
		}
	})
}

// One target of ten hangs: first whole hosters, then a few targets of each. The others
// keep their rate, and what hangs is looked at again and again.
func TestHangingTargetsDelayNobody(t *testing.T) {
	whole := func(t target.Target) bool {
		return t.Owner[len("chaton-"):] < "2" && len(t.Owner) < len("chaton-10.test")
	}
	mixed := func(t target.Target) bool { return t.ID[15]%8 == 3 && t.ID[14]%2 == 0 }
	for name, hangs := range map[string]func(target.Target) bool{"whole hosters": whole, "some of each": mixed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, stop := newWorld(t)
				w.hangs = hangs
				list := items(20, 80, 10*time.Second)
				w.Set(list)
				time.Sleep(10 * time.Minute)
				stop()
				hanging, well, worst := 0, 0, 1<<20
				for _, i := range list {
					n := len(w.began[i.Target.ID])
					if hangs(i.Target) {
						hanging++
						worst = min(worst, n)
						continue
					}
					well += n
				}
				expected := (len(list) - hanging) * 60
				if hanging < len(list)/20 || well*100 < expected*99 {
					t.Errorf("%d of %d hang; the others had %d of %d looks", hanging, len(list), well, expected)
				}
				if worst < 15 {
					t.Errorf("a target that hangs had %d looks in ten minutes", worst)
				}
				if w.most["all"] > mostLooks {
					t.Errorf("%d looks at once", w.most["all"])
				}
			})
		})
	}
}

func TestFullHosterTakesItsShareOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		w.hangs = func(t target.Target) bool { return t.Owner == "chaton-a.test" }
		list := items(3, 20, 10*time.Second)
		for n, i := range items(1, 3000, 10*time.Second) { // ours, so no bound by time
			i.Target.Owner, i.Target.ID = "chaton-a.test", fmt.Sprintf("a%015x", n)
			list = append(list, i)
		}
		w.Set(list)
		time.Sleep(5 * time.Minute)
		stop()
		for _, i := range list[:60] {
			if n := len(w.began[i.Target.ID]); n < 29 {
				t.Errorf("%s had %d looks of 30", i.Target.ID, n)
			}
		}
		if n := w.most["owner chaton-a.test"]; n < 200 || n > mostLooks-3*mostLooks/8 {
			t.Errorf("the full hoster had %d at once", n)
		}
	})
}

func TestBoundsOfHostTargetPrefixAndHoster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		defer stop()
		list := items(1, 40, time.Second) // asks 40 a second of one hoster
		for i := range list[:20] {
			list[i].Target.Address = "one.chaton-0.test:443"
			list[i].Target.Kind = target.TCP
		}
		w.Set(list)
		time.Sleep(100 * time.Second)
		looks := 0
		w.mu.Lock()
		for _, all := range w.began {
			looks += len(all)
		}
		w.mu.Unlock()
		if looks < 900 || looks > 1015 {
			t.Errorf("%d looks at one hoster in 100 s", looks)
		}
		if n := w.most["host one.chaton-0.test"]; n > mostOfHost {
			t.Errorf("%d looks at one host at once", n)
		}
		other := items(2, 1, time.Hour)[1].Target
		asked := 0
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if _, ok := w.Ask(ctx, other); ok {
				asked++
			}
			cancel()
		}
		if asked < targetBurst || asked > targetBurst+7 {
			t.Errorf("%d looks at one target in 6 s", asked)
		}
	})
}

func TestAddressesOfOneNetworkHaveOneBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		plain := w.Look
		refused := 0
		w.Look = func(ctx context.Context, t target.Target) look.Result {
			var host byte
			for _, c := range []byte(t.ID) {
				host += c
			}
			if err := Dialing(ctx, netip.AddrFrom4([4]byte{198, 51, 100, host})); err != nil {
				w.mu.Lock()
				defer w.mu.Unlock()
				refused++
				return look.Result{Class: look.Unfit}
			}
			return plain(ctx, t)
		}
		w.Set(items(10, 10, 10*time.Second)) // ten a second, of ten hosters, in one network
		time.Sleep(100 * time.Second)
		stop()
		looks := 0
		for _, all := range w.began {
			looks += len(all)
		}
		if looks < 360 || looks > 410 {
			t.Errorf("%d looks at one network in 100 s, %d refused", looks, refused)
		}
	})
}

func TestAskComesBeforeWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		defer stop()
		list := items(60, 20, 10*time.Second)
		w.hangs = func(t target.Target) bool { return t.Owner == "chaton-7.test" }
		w.Set(list)
		time.Sleep(time.Minute)
		for _, i := range list[:600] {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			begun := time.Now()
			r, ok := w.Ask(ctx, i.Target)
			cancel()
			hung := i.Target.Owner == "chaton-7.test"
			if !ok || (r.Class == look.Timeout) != hung || !hung && time.Since(begun) > time.Second {
				t.Fatalf("asked for %s: %v %q after %v", i.Target.ID, ok, r.Class, time.Since(begun))
			}
		}
	})
}

func TestUnfitWhileLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		list := items(5, 5, 10*time.Second)
		w.Set(list)
		time.Sleep(time.Minute)
		if f := w.Fit(); !f.Fit {
			t.Fatalf("unfit: %s", f.Reason)
		}
		synctest.Wait() // a look that was just started would call itself starved
		w.mu.Lock()
		w.offset = 3 * time.Second // we slept three seconds
		w.found = map[string][]look.Result{}
		w.mu.Unlock()
		time.Sleep(20 * time.Second)
		if f := w.Fit(); f.Fit || f.Reason != reasonLate {
			t.Errorf("fit after three lost seconds: %+v", f)
		}
		w.mu.Lock()
		for id, all := range w.found {
			for _, r := range all {
				if r.Class != look.Unfit {
					t.Errorf("%s: %q while we were late", id, r.Class)
				}
			}
		}
		w.mu.Unlock()
		time.Sleep(30 * time.Second)
		w.mu.Lock()
		w.found = map[string][]look.Result{}
		w.mu.Unlock()
		if f := w.Fit(); !f.Fit {
			t.Errorf("unfit for ever: %+v", f)
		}
		time.Sleep(10 * time.Second)
		stop()
		for id, all := range w.found {
			if len(all) == 0 || all[0].Class != look.Fine {
				t.Errorf("%s: %v when we were fit again", id, all)
			}
		}
	})
}

// Entries come out of the wheel once, in the right tick, whatever is put and taken.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &wheel{}
		var now time.Duration
		inside := map[*entry]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				e := &entry{due: now + time.Duration(rapid.Int64Range(-int64(time.Second), int64(3*time.Minute)).Draw(t, "due"))}
				w.put(e)
				inside[e] = true
			},
			"take": func(t *rapid.T) {
				now += time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "pause"))
				w.take(now, func(e *entry) {
					if !inside[e] {
						t.Fatal("taken twice")
					}
					if int64(e.due/tick) > int64(now/tick) {
						t.Fatalf("taken %v too early", e.due-now)
					}
					delete(inside, e)
				})
				for e := range inside {
					if e.tick <= int64(now/tick) {
						t.Fatalf("left %v late", now-e.due)
					}
				}
			},
			"": func(t *rapid.T) {
				at, ok := w.next()
				if ok != (len(inside) > 0) {
					t.Fatalf("next says %v of %d", ok, len(inside))
				}
				for e := range inside {
					if time.Duration(e.tick)*tick < at {
						t.Fatalf("next wakes at %v, an entry is due at %v", at, e.due)
					}
				}
			},
		})
	})
}

func BenchmarkTurn(b *testing.B) {
	w := &wheel{}
	for range 5000 {
		w.put(&entry{due: time.Duration(rand.Int64N(int64(10 * time.Second)))})
	}
	var now time.Duration
	for b.Loop() {
		now += tick
		w.take(now, func(e *entry) { e.due += 10 * time.Second; w.put(e) })
	}
}

// A look that panics is Unfit, gives its place back, and ends nothing.
func TestPanicIsUnfit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		w.Look = func(_ context.Context, t target.Target) look.Result { panic(t.ID) }
		list := items(1, 6, 10*time.Second)
		for i := range list {
			list[i].Target.Address = "https://one.chaton-0.test/"
		}
		w.Set(list)
		time.Sleep(time.Minute)
		stop()
		for _, i := range list {
			if all := w.found[i.Target.ID]; len(all) < 5 || all[0].Class != look.Unfit {
				t.Errorf("%s: %v", i.Target.ID, all)
			}
		}
		if c := w.Counts(); c.Running != 0 {
			t.Errorf("%d run", c.Running)
		}
	})
}
