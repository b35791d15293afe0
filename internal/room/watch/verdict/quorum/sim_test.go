package quorum

import (
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/verdict"
)

// stride is the step of simulated time.
const stride = time.Second

// turn is the next routine look of a node at a target.
type turn struct {
	at    time.Duration
	n     *node
	x     *thing
	every time.Duration
	base  time.Duration
}

type turns []*turn

func (b turns) Len() int           { return len(b) }
func (b turns) Less(i, j int) bool { return b[i].at < b[j].at }
func (b turns) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *turns) Push(x any)        { *b = append(*b, x.(*turn)) }
func (b *turns) Pop() any {
	old := *b
	last := old[len(old)-1]
	*b = old[:len(old)-1]
	return last
}

// run simulates a plan from its begin to its end.
func run(t *testing.T, p plan) (f figures) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		for _, n := range w.nodes {
			n.stop = n.launch(ctx)
		}
		synctest.Wait()
		w.say(ctx)
		queue := w.schedule(ctx)
		for at := time.Duration(0); at < p.long; at += stride {
			w.step(ctx, queue, at)
			time.Sleep(stride)
		}
		time.Sleep(time.Minute)
		w.deliver(ctx)
		f = w.measure()
		cancel()
		synctest.Wait()
	})
	return f
}

// say has everybody say its duty and its roster, and everybody hear them.
func (w *world) say(ctx context.Context) {
	for range 2 {
		for _, n := range w.nodes {
			if err := n.e.Say(ctx); err != nil {
				w.t.Fatal(err)
			}
		}
		w.deliver(ctx)
	}
}

func (w *world) deliver(ctx context.Context) {
	now := time.Now()
	w.mu.Lock()
	var due []letter
	w.letters = slices.DeleteFunc(w.letters, func(l letter) bool {
		if l.at.After(now) || !w.reaches(l.to.i, w.index(l.e.Log)) {
			return false
		}
		due = append(due, l)
		return true
	})
	w.mu.Unlock()
	if w.long == 0 { // only worlds that are run by hand start nodes again
		w.sent = append(w.sent, due...)
	}
	slices.SortStableFunc(due, func(a, b letter) int { return int(a.e.Index - b.e.Index) })
	for _, l := range due {
		if err := (reader{l.to.e}).read(ctx, l.e); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) index(m core.MemberID) int {
	return slices.IndexFunc(w.nodes, func(n *node) bool { return n.id == m })
}

func (w *world) schedule(ctx context.Context) *turns {
	queue := &turns{}
	for _, x := range w.targets {
		a := x.home.e.Voters(x.Owner, x.ID)
		for i := range w.liars {
			if len(a.Seats) > 0 {
				x.liars[a.Seats[(i*4+int(x.ID[15]))%len(a.Seats)].Member] = true
			}
		}
	}
	for _, n := range w.nodes {
		items, err := n.e.Assigned(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, i := range items {
			x := w.targets[slices.IndexFunc(w.targets, func(x *thing) bool { return x.ID == i.Target.ID })]
			if i.Phase < 0 {
				i.Phase = time.Duration(w.r.Int64N(int64(i.Every)))
			}
			heap.Push(queue, &turn{at: i.Phase, n: n, x: x, every: i.Every, base: i.Phase})
		}
	}
	return queue
}

// step lets happen what is due.
func (w *world) step(ctx context.Context, queue *turns, at time.Duration) {
	for queue.Len() > 0 && (*queue)[0].at <= at {
		b := (*queue)[0]
		r, long := b.n.look(b.x, false)
		if r.Class.Failure() && long > 0 {
			w.later(ctx, b, r, long)
		} else {
			b.n.e.Found(ctx, b.x.Target, r)
		}
		b.base += b.every
		b.at = b.base + time.Duration((w.r.Float64()*2-1)*float64(b.every)/50) // as the schedule does
		heap.Fix(queue, 0)
	}
	if at%time.Minute == 0 && len(w.letters) > 0 {
		w.deliver(ctx)
	}
	if at%(5*time.Minute) == 0 {
		w.tidy()
	}
}

// tidy is the job of every node, which may wait for others.
func (w *world) tidy() {
	for _, n := range w.nodes {
		e := n.e // a restart puts another in its place
		e.spawn(func(ctx context.Context) {
			if ctx.Err() != nil {
				return
			}
			if err := e.Tidy(ctx); err != nil && ctx.Err() == nil && !n.dead {
				w.t.Error(err)
			}
		})
	}
}

func (w *world) later(ctx context.Context, b *turn, r look.Result, long time.Duration) {
	b.n.e.spawn(func(context.Context) {
		if pause(ctx, long) {
			b.n.e.Found(ctx, b.x.Target, r)
		}
	})
}

// figures are what a simulation came to.
type figures struct {
	months         float64 // of targets
	outages        int
	missed         int // of three minutes or more
	falseDown      int
	falsePartial   int
	p50, p95       time.Duration
	wrong          float64 // mean of |measured - true| down time, in points of a month
	worst          float64
	unknown        float64 // share of time, in points
	extra          float64 // looks for votes, for a target and a day
	barredHonest   int
	barredLiars    int
	certificates   int64
	detectionTimes []time.Duration
}

func (f figures) String() string {
	return fmt.Sprintf("%.1f target-months, %d outages, missed %d, false down %d (%.4f/month), false partial %d, detected p50 %.0f s p95 %.0f s, "+
		"availability off by %.4f points (worst %.4f), unknown %.4f points, %.0f extra looks/day, barred %d honest %d liars, %d entries",
		f.months, f.outages, f.missed, f.falseDown, float64(f.falseDown)/f.months, f.falsePartial, f.p50.Seconds(), f.p95.Seconds(),
		f.wrong, f.worst, f.unknown, f.extra, f.barredHonest, f.barredLiars, f.certificates)
}

// measure compares what the owners were told with what was.
func (w *world) measure() (f figures) {
	days := w.long.Hours() / 24
	f.months = float64(len(w.targets)) * days / 30
	f.extra = float64(w.looks) / float64(len(w.targets)) / days
	f.certificates = w.entries
	for _, x := range w.targets {
		f.outages += len(x.down)
		used := map[int]bool{}
		for _, c := range x.found {
			if c.v.State != verdict.Down && c.v.State != verdict.Partial {
				continue
			}
			i := slices.IndexFunc(x.down, func(d [2]time.Duration) bool { return d[0] <= c.at && c.at <= d[1]+40*time.Second })
			switch {
			case i < 0 && c.v.State == verdict.Down:
				f.falseDown++
			case i < 0:
				f.falsePartial++
			case c.v.State == verdict.Down && !used[i]:
				used[i] = true
				f.detectionTimes = append(f.detectionTimes, c.at-x.down[i][0])
			}
		}
		for i, d := range x.down {
			if !used[i] && d[1]-d[0] >= 3*time.Minute {
				f.missed++
				w.t.Logf("missed: %s, %s to %s; its owner was told %+v", x.Owner, d[0], d[1], x.around(d))
			}
		}
		w.availability(x, &f)
	}
	f.wrong /= float64(len(w.targets))
	f.unknown /= float64(len(w.targets))
	slices.Sort(f.detectionTimes)
	if n := len(f.detectionTimes); n > 0 {
		f.p50, f.p95 = f.detectionTimes[n/2], f.detectionTimes[n*95/100]
	}
	f.barred(w)
	return f
}

// around is what the owner was told from ten minutes before an outage to ten after it.
func (x *thing) around(d [2]time.Duration) (all []change) {
	for _, c := range x.found {
		if c.at > d[0]-10*time.Minute && c.at < d[1]+10*time.Minute {
			all = append(all, c)
		}
	}
	return all
}

func (f *figures) barred(w *world) {
	for _, n := range w.nodes {
		for _, d := range n.e.Dissents(context.Background()) {
			if d.Owner != n.id || !d.Barred {
				continue
			}
			liar := slices.ContainsFunc(w.targets, func(x *thing) bool { return x.home == n && x.liars[d.Voter] })
			if liar {
				f.barredLiars++
			} else {
				f.barredHonest++
			}
		}
	}
}

func (w *world) availability(x *thing, f *figures) {
	from, to := core.At(w.start.Add(5*time.Minute)), core.At(w.start.Add(w.long))
	all, err := x.home.e.Intervals(context.Background(), x.Owner, x.ID, from, to)
	if err != nil {
		w.t.Fatal(err)
	}
	var down, unknown, truth time.Duration
	for _, i := range all {
		switch i.State {
		case verdict.Down:
			down += i.To.Sub(i.From)
		case verdict.Unknown:
			unknown += i.To.Sub(i.From)
		case verdict.Up, verdict.Partial:
		}
	}
	for _, d := range x.down {
		truth += d[1] - d[0]
	}
	off := 100 * math.Abs((down - truth).Seconds()) / w.long.Seconds()
	f.wrong += off
	f.worst = max(f.worst, off)
	f.unknown += 100 * unknown.Seconds() / w.long.Seconds()
}

const day = 24 * time.Hour

// What the simulations must hold, in short; the long ones have more of everything.
func TestSimulated(t *testing.T) {
	for name, c := range map[string]struct {
		plan
		p50, p95 time.Duration
	}{
		"looks each minute, 2 % fail for no reason": {
			plan{seed: 1, nodes: 20, targets: 20, long: 2 * day, every: time.Minute, p: 0.02, outages: 12 * time.Hour}, 35 * time.Second, time.Minute,
		},
		"two liars of seven, clocks a minute off": {
			plan{seed: 2, nodes: 20, targets: 20, long: 2 * day, every: time.Minute, p: 0.005, outages: 12 * time.Hour, liars: 2, lie: look.Timeout, skew: time.Minute},
			35 * time.Second, time.Minute,
		},
		"two that never see a failure": {
			plan{seed: 3, nodes: 20, targets: 20, long: 2 * day, every: time.Minute, p: 0.005, outages: 12 * time.Hour, liars: 2}, 35 * time.Second, time.Minute,
		},
		"looks each five minutes": {
			plan{seed: 4, nodes: 20, targets: 20, long: 2 * day, every: 5 * time.Minute, p: 0.005, outages: 12 * time.Hour, calm: true}, time.Minute, 90 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := run(t, c.plan)
			t.Log(f)
			// Some 80 outages stand in a time in which a real service has eight or fewer.
			perOutage := f.wrong * c.long.Seconds() / 100 * float64(c.targets) / float64(f.outages)
			if f.falseDown > 0 || f.missed > 0 || f.p50 > c.p50 || f.p95 > c.p95 || perOutage > 15 {
				t.Errorf("want none false, none missed, found within %s and %s, each as long as it was to 15 s; it is %.1f s", c.p50, c.p95, perOutage)
			}
		})
	}
}
