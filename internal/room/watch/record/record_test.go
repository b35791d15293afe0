package record

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
)

const owner = core.MemberID("chaton-b.test")

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	at  time.Time
	fit bool
}

func newClock() *clock {
	return &clock{at: time.Date(2026, 11, 30, 22, 10, 0, 0, time.UTC), fit: true}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) fitness() schedule.Fitness { return schedule.Fitness{Fit: c.fit} }

func recorder(t testing.TB, d *db.DB, c *clock) *Recorder {
	t.Helper()
	r, err := New(t.Context(), Needs{DB: d, Fit: c.fitness, Now: c.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// found is a look of a series that is looked at every minute.
func found(rng *rand.Rand, at time.Time) look.Result {
	r := look.Result{At: core.At(at), Latency: time.Duration(60+rng.IntN(40)) * time.Millisecond, Family: 4}
	switch rng.IntN(20) {
	case 0:
		r.Class, r.Latency = look.Timeout, 10*time.Second
	case 1:
		r.Half = look.Refused
	case 2:
		r.Class = look.Unfit
	}
	return r
}

// Thirty hours of looks, with the archive at work, are there again: to a millisecond while
// raw, to a tenth of a second from the archive, also after a restart.
func TestWhatIsRecordedIsRead(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		c, rng := newClock(), rand.New(rand.NewPCG(1, 2))
		r := recorder(t, d, c)
		begun := core.At(c.now())
		want := map[string][]look.Result{}
		for minute := range 30 * 60 {
			for i := range 3 {
				id := fmt.Sprintf("%016x", i)
				one := found(rng, c.now().Add(time.Duration(rng.IntN(10_000_000))*time.Microsecond))
				if !r.Add(owner, id, one) {
					t.Fatal("no room")
				}
				want[id] = append(want[id], one)
			}
			c.pass(time.Minute)
			must(t, r.flush(t.Context()))
			if minute%60 == 7 {
				must(t, r.Archive(t.Context()))
			}
		}
		for range 2 {
			for id, all := range want {
				compare(t, r, id, all, 29) // the archive was last asked in the 30th hour
			}
			r = recorder(t, d, c)
		}
		c.pass(49 * time.Hour) // now the hours of a day are joined
		must(t, r.Archive(t.Context()))
		must(t, r.Archive(t.Context()))
		r = recorder(t, d, c)
		for id, all := range want {
			compare(t, r, id, all, 31)
			series, err := r.id(t.Context(), seriesKey{owner, id})
			must(t, err)
			rows, err := chunksOf(t.Context(), d, series, 0, hourOf(core.At(c.now())))
			if err != nil || len(rows) != 3 {
				t.Errorf("%d chunks of three days: %v", len(rows), err)
			}
		}
		none, err := r.Series(t.Context(), owner, "unheard of", begun, core.At(c.now()))
		if err != nil || len(none) > 0 {
			t.Errorf("%v %v", none, err)
		}
		if _, err := r.Series(t.Context(), owner, "x", 0, core.At(c.now())); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("fifty years at once: %v", err)
		}
	})
}

func compare(t *testing.T, r *Recorder, id string, all []look.Result, over int) {
	t.Helper()
	begun := all[0].At.Add(-time.Minute)
	now := core.At(r.Now())
	got, err := r.Series(t.Context(), owner, id, begun, now)
	must(t, err)
	if len(got) != len(all) {
		t.Fatalf("%s: %d looks of %d", id, len(got), len(all))
	}
	hours := map[core.Moment]map[look.Class]int64{}
	for i, one := range all {
		p := got[i]
		if off := one.At.Sub(p.At); off < 0 || off >= 100*time.Millisecond || now.Sub(one.At) < time.Hour && off >= time.Millisecond {
			t.Fatalf("look %d at %v, then %v", i, one.At.Time(), p.At.Time())
		}
		if want := (Point{At: p.At, Class: one.Class, Latency: one.Latency, Family: one.Family, Half: one.Half != ""}); p != want {
			t.Fatalf("look %d: %+v, then %+v", i, want, p)
		}
		hour := core.At(one.At.Time().Truncate(time.Hour))
		if hours[hour] == nil {
			hours[hour] = map[look.Class]int64{}
		}
		hours[hour][one.Class]++
	}
	sums, err := r.Hours(t.Context(), owner, id, core.At(begun.Time().Truncate(time.Hour)), now)
	must(t, err)
	if len(sums) != over {
		t.Errorf("%d hours are over", len(sums))
	}
	for _, s := range sums {
		if d := diff.Diff(hours[s.From], s.Classes); d != "" {
			t.Errorf("hour %v: %s", s.From.Time(), d)
		}
		if s.P50 < 70*time.Millisecond || s.P50 > s.P95 || s.P95 > 100*time.Millisecond {
			t.Errorf("hour %v: p50 %v, p95 %v", s.From.Time(), s.P50, s.P95)
		}
	}
	days, err := r.Days(t.Context(), owner, id, begun.Add(-24*time.Hour), now)
	must(t, err)
	counted := int64(0)
	for _, s := range days {
		all, _ := s.Looks()
		counted += all + s.Classes[look.Unfit]
	}
	if len(days) != 3 || counted < int64(len(all)-80) || counted > int64(len(all)) {
		t.Errorf("%d days with %d looks of %d", len(days), counted, len(all))
	}
	last, ok, err := r.Latest(t.Context(), owner, id)
	if want := all[len(all)-1]; err != nil || !ok || want.At.Sub(last.At) >= 100*time.Millisecond || last.At > want.At || last.Class != want.Class {
		t.Errorf("latest is %+v, %v, %v; want %+v", last, ok, err, want)
	}
}

// An hour whose archive was cut, or that got a look late, is archived again.
func TestHoursAreMadeAgain(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		c, rng := newClock(), rand.New(rand.NewPCG(1, 2))
		r := recorder(t, d, c)
		hour := hourOf(core.At(c.now()))
		for range 50 {
			for i := range 200 {
				r.Add(owner, fmt.Sprintf("%016x", i), found(rng, c.now()))
			}
			c.pass(time.Minute)
			must(t, r.flush(t.Context()))
		}
		c.pass(settled)
		// As if killed after the first of four transactions: some chunks, one of them of half
		// an hour, no mark.
		half := []raw{{ms: hour*hourMS + 600_000, series: 1}}
		must(t, r.store.archive(t.Context(), hour, [][]raw{half}))
		r = recorder(t, d, c)
		must(t, r.Archive(t.Context()))
		for i := range 200 {
			sums, err := r.Hours(t.Context(), owner, fmt.Sprintf("%016x", i), 0, core.At(c.now()))
			must(t, err)
			if len(sums) != 1 || sums[0].Classes[look.Fine]+sums[0].Classes[look.Timeout]+sums[0].Classes[look.Unfit] != 50 {
				t.Fatalf("series %d: %v", i, sums)
			}
		}
		// The database was away for half an hour.
		c.pass(30 * time.Minute)
		r.Add(owner, fmt.Sprintf("%016x", 7), look.Result{At: core.At(c.now().Add(-40 * time.Minute)), Class: look.Reset})
		r.Add(owner, fmt.Sprintf("%016x", 7), look.Result{At: core.At(c.now().Add(-70 * time.Minute)), Class: look.Reset}) // too late
		must(t, r.flush(t.Context()))
		before, err := r.Series(t.Context(), owner, fmt.Sprintf("%016x", 7), core.At(c.now().Add(-2*time.Hour)), core.At(c.now()))
		must(t, err)
		must(t, r.Archive(t.Context()))
		after, err := r.Series(t.Context(), owner, fmt.Sprintf("%016x", 7), core.At(c.now().Add(-2*time.Hour)), core.At(c.now()))
		must(t, err)
		if len(before) != 51 || len(after) != 51 {
			t.Errorf("%d, then %d looks of 51", len(before), len(after))
		}
		if r.count.stale != 1 {
			t.Errorf("%d looks were too late", r.count.stale)
		}
	})
}

// While the database does not answer nobody waits, what has no room is counted, and what
// had room is there afterwards.
func TestDatabaseThatHangsDelaysNobody(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		c := newClock()
		r := recorder(t, d, c)
		r.Add(owner, "a", look.Result{At: core.At(c.now())})
		must(t, r.flush(t.Context()))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		kept := 0
		for i := range 12 * mostQueued {
			if r.Add(owner, "a", look.Result{At: core.At(c.now()), Latency: time.Duration(i) * time.Microsecond}) {
				kept++
			}
			if i%1000 == 0 && r.flush(ended) == nil {
				t.Fatal("written with an ended context")
			}
		}
		if r.count.dropped != int64(12*mostQueued-kept) || r.count.dropped == 0 || kept < mostQueued {
			t.Errorf("%d kept, %d dropped", kept, r.count.dropped)
		}
		for range 10 {
			must(t, r.flush(t.Context()))
		}
		c.pass(time.Second)
		all, err := r.Series(t.Context(), owner, "a", 0+core.At(c.now().Add(-time.Hour)), core.At(c.now()))
		must(t, err)
		if len(all) != kept+1 {
			t.Errorf("%d looks of %d", len(all), kept+1)
		}
		if m, err := r.Metrics(t.Context()); err != nil || len(m) == 0 {
			t.Error(err)
		}
	})
}

func TestWhatIsOldGoes(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		c, rng := newClock(), rand.New(rand.NewPCG(1, 2))
		begun := core.At(c.now())
		r := recorder(t, d, c)
		day := func() {
			for i := range 100 {
				r.Add(owner, fmt.Sprintf("%016x", i), found(rng, c.now()))
			}
			must(t, r.flush(t.Context()))
			c.pass(24 * time.Hour)
			must(t, r.Archive(t.Context()))
			must(t, r.Forget(t.Context()))
		}
		for range 20 {
			day()
		}
		blocks, err := r.store.blocks(t.Context(), begun, core.At(c.now()), block{}, 1000)
		must(t, err)
		if len(blocks) < 13 || len(blocks) > 15 {
			t.Errorf("%d blocks of 20 days", len(blocks))
		}
		id := fmt.Sprintf("%016x", 42)
		all, err := r.Series(t.Context(), owner, id, begun, core.At(c.now()))
		must(t, err)
		if len(all) != 20 {
			t.Errorf("%d looks of 20 in the archive", len(all))
		}
		// What is old goes once we ran for a day by that clock.
		later := func(d time.Duration) {
			c.pass(d - 25*time.Hour)
			must(t, r.flush(t.Context()))
			c.pass(25 * time.Hour)
			must(t, r.Forget(t.Context()))
		}
		later(390 * 24 * time.Hour)
		hours, err := r.Hours(t.Context(), owner, id, 0, core.At(c.now()))
		must(t, err)
		days, err := r.Days(t.Context(), owner, id, 0, core.At(c.now()))
		must(t, err)
		if len(hours) != 10 || len(days) != 20 {
			t.Errorf("%d hours and %d days of 20, the last ten of them 400 days old", len(hours), len(days))
		}
		later(5 * 365 * 24 * time.Hour)
		if days, err = r.Days(t.Context(), owner, id, 0, core.At(c.now())); err != nil || len(days) != 20 {
			t.Errorf("%d days of 20 after five years, %v", len(days), err)
		}
		present, err := r.store.present(t.Context(), 0, core.At(c.now()).Add(-hoursStay))
		if err != nil || len(present) > 0 {
			t.Errorf("%v is still present, %v", present, err)
		}
	})
}

// Off, unfit and idle are told apart.
func TestGaps(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		c := newClock()
		r := recorder(t, d, c)
		begun := core.At(c.now())
		run := func(minutes int, looks bool) {
			for range minutes * 6 {
				if looks {
					class := look.Fine
					if !c.fit {
						class = look.Unfit
					}
					r.Add(owner, "a", look.Result{At: core.At(c.now()), Class: class})
				}
				must(t, r.flush(t.Context()))
				c.pass(10 * time.Second)
			}
		}
		run(10, true) // 0 to 10 minutes
		c.fit = false
		run(5, true) // 10 to 15
		c.fit = true
		run(15, true)           // 15 to 30
		c.pass(time.Hour)       // 30 to 90: killed
		r = recorder(t, d, c)   // 90
		run(10, true)           // to 100
		run(20, false)          // 100 to 120: paused
		c.pass(5 * time.Minute) // 120 to 125: off as well
		r = recorder(t, d, c)
		run(5, true)
		got, err := r.Gaps(t.Context(), schedule.Item{Target: target.Target{Owner: owner, ID: "a"}, Every: 10 * time.Second}, begun, core.At(c.now()))
		must(t, err)
		type minutes struct {
			from, to int
			why      Why
		}
		var short []minutes
		for _, g := range got {
			round := func(m core.Moment) int { return int((m.Sub(begun) + 30*time.Second) / time.Minute) }
			short = append(short, minutes{round(g.From), round(g.To), g.Why})
		}
		want := []minutes{{10, 15, Unfit}, {30, 90, Off}, {100, 120, Idle}, {120, 125, Off}}
		if !slices.Equal(short, want) {
			t.Errorf("gaps %v, want %v\n%v", short, want, got)
		}
		ours, err := r.Gaps(t.Context(), schedule.Item{}, begun, core.At(c.now()))
		if err != nil || len(ours) != 3 {
			t.Errorf("our own: %v, %v", ours, err)
		}
	})
}

func TestGapsDoNotOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	moment := func() core.Moment { return core.Moment(rng.IntN(7200)) * 1_000_000 }
	for range 2000 {
		var here []presence
		for range rng.IntN(6) {
			a, b := moment(), moment()
			here = append(here, presence{from: min(a, b), to: max(a, b), fit: rng.IntN(2) == 0})
		}
		slices.SortFunc(here, func(a, b presence) int { return cmp.Compare(a.from, b.from) })
		var points []Point
		for range rng.IntN(30) {
			points = append(points, Point{At: moment()})
		}
		slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
		from, to := core.Moment(600_000_000), core.Moment(6_600_000_000)
		points = slices.DeleteFunc(points, func(p Point) bool { return p.At < from || p.At >= to })
		all := merge(absences(here, from, to), pauses(points, time.Minute, from, to))
		at := from
		for _, g := range all {
			if g.From < at || g.To <= g.From || g.To > to {
				t.Fatalf("gaps %v of %v and %v", all, here, points)
			}
			at = g.To
		}
	}
}

// Two processes on one database number their series alike, and lose no look.
func TestTwoProcesses(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		c := newClock()
		both := []*Recorder{recorder(t, d, c), recorder(t, d, c)}
		from := core.At(c.now())
		for n := range 20 {
			var wait sync.WaitGroup
			for i, r := range both {
				for k := range 5 {
					r.Add(owner, fmt.Sprintf("%016x", (n+k)%7), look.Result{At: core.At(c.now()), Latency: time.Duration(i) * time.Second})
				}
				wait.Go(func() {
					if err := r.flush(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			c.pass(time.Second)
		}
		all := 0
		for k := range 7 {
			looks, err := both[k%2].Series(t.Context(), owner, fmt.Sprintf("%016x", k), from, core.At(c.now()))
			must(t, err)
			all += len(looks)
		}
		if all != 200 {
			t.Errorf("%d looks of 200", all)
		}
	})
}
