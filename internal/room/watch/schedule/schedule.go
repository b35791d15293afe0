package schedule

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Needs is what the scheduler is wired with; all but Self is required.
type Needs struct {
	// Self is our own hoster: what we do to ourselves has no bound by time.
	Self core.MemberID
	// Look looks once and keeps within the context.
	Look func(ctx context.Context, t target.Target) look.Result
	// Found is told each routine look, on the goroutine of the look: it must not wait long.
	Found func(ctx context.Context, t target.Target, r look.Result)
	Now   func() time.Time
	Log   *slog.Logger
}

// Item is a target that we look at routinely.
type Item struct {
	Target target.Target
	Every  time.Duration // between two looks of ours; below a second counts as one
	// Phase is when in each interval, counted from 1970 UTC, so that members who look at
	// one target come one after another. Below zero: hashed from the target.
	Phase time.Duration
	// First is within how long a target is looked at that is new; 0, or longer than Every, =
	// within Every. It is for targets that are looked at seldom.
	First time.Duration
}

// key names a target: its owner and ID.
type key struct {
	owner core.MemberID
	id    string
}

func keyOf(t target.Target) key { return key{t.Owner, t.ID} }

// Scheduler runs the looks. Safe for concurrent use.
type Scheduler struct {
	Needs
	begun time.Time // all durations count from here
	wake  chan struct{}
	fit   fitness

	mu      sync.Mutex
	wheel   wheel
	entries map[key]*entry
	asked   map[key]*entry // targets that are only asked for
	hosters map[core.MemberID]*hoster
	limits
	count Counts
	ctx   context.Context //nolint:containedctx // that of Run: looks begun by the wheel end with it
	ended bool            // Run ended: nothing begins any more
	looks sync.WaitGroup
}

// entry is one target of the schedule.
type entry struct {
	Item
	key    key
	host   *host
	hoster *hoster
	due    time.Duration // of the next look
	grid   time.Duration // the same without jitter
	tick   int64
	slow   bool // the last look timed out or took long
	gone   bool
	busy   bool // a routine look waits or runs
	budget budget
}

// New makes a scheduler that looks at nothing yet.
func New(n Needs) *Scheduler {
	now := n.Now()
	s := &Scheduler{
		Needs: n, begun: now, wake: make(chan struct{}, 1),
		entries: map[key]*entry{}, asked: map[key]*entry{}, hosters: map[core.MemberID]*hoster{},
	}
	s.limits = newLimits()
	s.fit.state = Fitness{Fit: true, Since: core.At(now)}
	return s
}

// Set replaces what is looked at. A target that stays keeps its place in time, unless its
// interval or phase changed; one that is new is looked at within one interval, or within First. Paused
// targets, and kinds that nobody looks at, are left out.
func (s *Scheduler) Set(list []Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.since()
	old := s.entries
	s.entries = make(map[key]*entry, len(list))
	for _, item := range list {
		item.Every = max(item.Every, time.Second)
		k := keyOf(item.Target)
		if item.Target.Paused || item.Target.Kind == target.Ping || s.entries[k] != nil {
			continue
		}
		e := old[k]
		switch {
		case e == nil:
			e = s.newEntry(item)
			s.first(e, now)
		case e.Every != item.Every || e.Phase != item.Phase:
			e.gone = true // its place in the wheel is void
			fresh := s.newEntry(item)
			fresh.budget, fresh.slow = e.budget, e.slow
			e = fresh
			s.first(e, now)
		default:
			e.Target = item.Target
			s.place(e)
		}
		s.entries[k] = e
		delete(old, k)
		delete(s.asked, k)
	}
	for _, e := range old {
		e.gone = true
	}
	s.prune()
	s.nudge()
}

func (s *Scheduler) newEntry(item Item) *entry {
	e := &entry{Item: item, key: keyOf(item.Target), budget: newBudget()}
	s.place(e)
	return e
}

// first puts an entry at its first look, less than one interval from now.
func (s *Scheduler) first(e *entry, now time.Duration) {
	phase := e.Phase
	if phase < 0 {
		phase = hashed(e.key, e.Every)
	}
	// The grid counts from 1970; begun is where our own time begins on it.
	at := time.Duration(s.begun.UnixNano()) + now - phase
	e.grid = now - at%e.Every + e.Every
	e.due = e.grid
	if e.First > 0 && e.First < e.Every {
		if soon := now + hashed(e.key, e.First); soon < e.grid {
			e.due, e.grid = soon, e.grid-e.Every // the next one is at that place of the grid
		}
	}
	s.wheel.put(e)
}

// again puts an entry at its next look, a little before or after its place on the grid.
// Looks that we could not begin are left out.
func (s *Scheduler) again(e *entry, now time.Duration) {
	for e.grid += e.Every; e.grid+e.jitter() < now; e.grid += e.Every {
		s.count.Missed++
	}
	e.due = e.grid + time.Duration((rand.Float64()*2-1)*float64(e.jitter())) //nolint:gosec // jitter wants no secrecy
	s.wheel.put(e)
}

// jitter is how far a look may lie from its place on the grid: a tenth of the interval. A
// given phase has a fiftieth: others look in between, and an even pace finds a failure
// soonest.
func (e *entry) jitter() time.Duration {
	if e.Phase >= 0 {
		return e.Every / 50
	}
	return e.Every / 10
}

// hashed is a phase that differs from target to target and stays the same.
func hashed(k key, every time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(string(k.owner) + "\x00" + k.id))
	return time.Duration(binary.BigEndian.Uint64(sum[:8]) % uint64(every)) //nolint:gosec // every is above zero
}

// since is our own time; it does not jump when the wall clock is set.
func (s *Scheduler) since() time.Duration { return s.Now().Sub(s.begun) }

func (s *Scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// The longest and, while looks wait for a limit, the shortest pause of the wheel.
const (
	longPause  = time.Second
	shortPause = 100 * time.Millisecond
)

// Run looks until the context ends, then waits for the looks that run.
func (s *Scheduler) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx, s.ended = ctx, false
	s.mu.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer s.end()
	for woken := s.since(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-timer.C:
			now := s.since()
			s.fit.lag(s.Now(), now-woken, reasonLate)
		}
		s.fit.check(s.Now())
		pause := s.turn() //nolint:contextcheck // each look has the context of who wants it
		woken = s.since() + pause
		s.fit.promise(s.begun.Add(woken))
		timer.Reset(pause)
	}
}

// end waits for the looks that run, and has no other begin.
func (s *Scheduler) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.looks.Wait()
}

// turn begins what is due and says how long to wait for the next turn.
func (s *Scheduler) turn() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.since()
	s.wheel.take(now, func(e *entry) {
		if e.gone {
			return
		}
		if e.busy {
			s.count.Missed++
		} else {
			e.busy = true
			s.enqueue(&waiting{entry: e, target: e.Target})
		}
		s.again(e, now)
	})
	s.dispatch()
	pause := longPause
	if s.waits > 0 {
		pause = shortPause
	}
	if next, ok := s.wheel.next(); ok {
		pause = min(pause, next-s.since())
	}
	return max(pause, 0)
}
