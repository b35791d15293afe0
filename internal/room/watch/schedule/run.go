package schedule

import (
	"context"
	"errors"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// question is one call of Ask.
type question struct {
	ctx    context.Context //nolint:containedctx // the look belongs to who asks
	answer chan look.Result
	left   bool // who asked does not wait any more
	begun  bool
}

// start has an admitted look run on a goroutine of its own.
func (s *Scheduler) start(w *waiting) {
	w.begun = s.since()
	ctx := s.ctx
	if w.ask != nil {
		ctx = w.ask.ctx
		w.ask.begun = true
	}
	paid := w.entry.host.prefix
	s.looks.Go(func() {
		s.look(context.WithValue(ctx, flightKey{}, &flight{scheduler: s, entry: w.entry, paid: paid}), w)
	})
}

// look runs one look and hands its result on.
func (s *Scheduler) look(ctx context.Context, w *waiting) {
	s.fit.lag(s.Now(), s.since()-w.begun, reasonStarved)
	r := s.safely(ctx, w.target)
	took := s.since() - w.begun
	s.fit.overdue(s.Now())
	if s.fit.spoilt(s.begun.Add(w.begun)) {
		r.Class = look.Unfit
	}
	routine := w.ask == nil && ctx.Err() == nil // what the end of Run cut says nothing of the target
	s.mu.Lock()
	s.book(w, -1)
	if r.Class != look.Unfit && ctx.Err() == nil {
		w.entry.slow = isSlow(r, took)
	}
	if w.ask == nil {
		w.entry.busy = false
		s.count.Looks++
	} else {
		s.count.Asked++
		w.ask.answer <- r // has room for one
	}
	if s.waits > 0 {
		s.dispatch() //nolint:contextcheck // each look has the context of who wants it
	}
	s.mu.Unlock()
	if routine {
		s.Found(ctx, w.target, r)
	}
}

// safely survives a look that panics: what strangers answer must not end the node.
func (s *Scheduler) safely(ctx context.Context, t target.Target) (r look.Result) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("a look panicked", "kind", string(t.Kind), "panic", p, "stack", string(debug.Stack()))
			r = look.Result{At: core.At(s.Now()), Class: look.Unfit}
		}
	}()
	return s.Look(ctx, t)
}

// Ask looks at a target now, whether or not it is in the schedule, within the same limits,
// and before routine looks. False: the limits did not let it begin before the context
// ended. A look that began keeps within the context. Call it while Run runs.
func (s *Scheduler) Ask(ctx context.Context, t target.Target) (look.Result, bool) {
	q := &question{ctx: ctx, answer: make(chan look.Result, 1)}
	s.mu.Lock()
	e := s.entries[keyOf(t)]
	if e == nil {
		e = s.asked[keyOf(t)]
	}
	if e == nil {
		if len(s.asked) > 2*mostIdle {
			s.prune()
		}
		e = s.newEntry(Item{Target: t})
		s.asked[e.key] = e
	}
	if e.hoster.questions >= mostQuestion || len(s.asked) > 4*mostIdle {
		s.count.Refused++
		s.mu.Unlock()
		return look.Result{}, false
	}
	s.enqueue(&waiting{entry: e, target: t, ask: q})
	s.dispatch() //nolint:contextcheck // each look has the context of who wants it
	s.mu.Unlock()
	s.nudge()
	select {
	case r := <-q.answer:
		return r, true
	case <-ctx.Done():
	}
	s.mu.Lock()
	q.left = true
	begun := q.begun
	if !begun {
		s.count.Refused++
	}
	s.mu.Unlock()
	if begun { // it ends with the context
		return <-q.answer, true
	}
	return look.Result{}, false
}

type flightKey struct{}

// flight is what a running look carries in its context.
type flight struct {
	scheduler *Scheduler
	entry     *entry
	mu        sync.Mutex
	paid      netip.Prefix
}

// ErrPrefix says that too many looks go to the network of an address.
var ErrPrefix = errors.New("too many looks at this network now")

// longestWait is how long a dial waits for its network's turn.
const longestWait = 2 * time.Second

// Dialing is to be called by each dial of a look, when the address is known: at most four
// looks a second go to one IPv4 /24 or IPv6 /48. It waits for the turn only where a host
// has an address that its last look did not have. A context that is not of a look, and
// our own targets, pass. Returns ErrPrefix: the look should end as Unfit.
func Dialing(ctx context.Context, a netip.Addr) error {
	f, ok := ctx.Value(flightKey{}).(*flight)
	if !ok {
		return nil
	}
	s, p := f.scheduler, PrefixOf(a)
	f.mu.Lock()
	defer f.mu.Unlock()
	s.mu.Lock()
	if f.entry.Target.Owner == s.Self || f.entry.Target.Local || f.paid == p {
		s.mu.Unlock()
		return nil
	}
	f.paid, f.entry.host.prefix = p, p
	turn := s.prefix(p).ReserveN(s.Now(), 1)
	wait := turn.DelayFrom(s.Now())
	if wait > longestWait {
		turn.CancelAt(s.Now())
		s.mu.Unlock()
		return ErrPrefix
	}
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Counts says what happened since the start, and what is now.
func (s *Scheduler) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.count
	c.Running, c.Waiting, c.Targets = s.running, s.waits, len(s.entries)
	return c
}

// Metrics answers the counts for /metrics.
func (s *Scheduler) Metrics(context.Context) ([]obs.Metric, error) {
	c, fit := s.Counts(), 1.0
	if !s.Fit().Fit {
		fit = 0
	}
	return []obs.Metric{
		{Name: "entrechat_watch_looks_total", Help: "Routine looks that ended.", Value: float64(c.Looks)},
		{Name: "entrechat_watch_looks_missed_total", Help: "Routine looks left out because a limit or the look before held them.", Value: float64(c.Missed)},
		{Name: "entrechat_watch_asked_total", Help: "Looks made for votes.", Value: float64(c.Asked)},
		{Name: "entrechat_watch_asked_refused_total", Help: "Looks for votes that the limits did not let through in time.", Value: float64(c.Refused)},
		{Name: "entrechat_watch_looks_running", Help: "Looks that run now.", Value: float64(c.Running)},
		{Name: "entrechat_watch_looks_waiting", Help: "Looks that wait for a limit now.", Value: float64(c.Waiting)},
		{Name: "entrechat_watch_targets", Help: "Targets that we look at.", Value: float64(c.Targets)},
		{Name: "entrechat_watch_fit", Help: "1 while our own looks can be trusted.", Value: fit},
	}, nil
}
