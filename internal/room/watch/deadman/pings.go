package deadman

import (
	"context"
	"embed"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Words are the room's sentences about pings.
//
//go:embed words/*.toml
var Words embed.FS

// Circle answers whom a ping concerns.
type Circle interface {
	// Targets are the ping targets we hear for: our own, and those of the members we vote
	// for, paused ones among them.
	Targets(ctx context.Context) ([]target.Target, error)
	// Circle are the owner of a target and its voters, without us.
	Circle(ctx context.Context, owner core.MemberID, target string) ([]core.MemberID, error)
	// Alive says whether a member answers now, as far as we know.
	Alive(ctx context.Context, member core.MemberID) bool
}

// Members is how others are told. Remote is one over kit/peer.
type Members interface {
	Tell(ctx context.Context, to core.MemberID, news News) error
}

// Needs is what hearing pings is made of; all of it is required.
type Needs struct {
	DB      *db.DB // with the room's migrations applied
	Self    core.MemberID
	Circle  Circle
	Members Members
	// Found takes what a ping says of a target at once, as it takes a look.
	Found func(ctx context.Context, t target.Target, r look.Result)
	Now   func() time.Time
	Log   *slog.Logger
}

// Pings hears pings, tells the others, and notices silence. Safe for concurrent use.
type Pings struct {
	n    Needs
	wake chan struct{}

	mu      sync.Mutex
	byHash  map[string][]target.Target // the hash of a token -> its targets, one of each owner
	byName  map[name]target.Target
	limits  map[string]*rate.Limiter // by hash, and by class of addresses
	limited time.Time                // when limits was emptied last
}

type name struct {
	owner  core.MemberID
	target string
}

// New makes it. Refresh or its job must run before a ping is known.
func New(n Needs) *Pings {
	return &Pings{n: n, wake: make(chan struct{}, 1), byHash: map[string][]target.Target{}, byName: map[name]target.Target{}, limits: map[string]*rate.Limiter{}}
}

// Refresh reads anew which targets there are; call it after one was added or changed.
func (p *Pings) Refresh(ctx context.Context) error {
	all, err := p.n.Circle.Targets(ctx)
	if err != nil {
		return err
	}
	byHash, byName := make(map[string][]target.Target, len(all)), make(map[name]target.Target, len(all))
	for _, t := range all {
		if t.Kind != target.Ping {
			continue
		}
		byName[name{t.Owner, t.ID}] = t
		// The hash is public, and another hoster may publish it as its own: then both
		// hear, and nobody loses a ping by it.
		others := byHash[t.Address]
		if len(t.Address) == len(Hash("")) && !slices.ContainsFunc(others, func(o target.Target) bool { return o.Owner == t.Owner }) {
			byHash[t.Address] = append(others, t)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byHash, p.byName = byHash, byName
	return nil
}

func (p *Pings) known(owner core.MemberID, id string) (target.Target, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.byName[name{owner, id}]
	return t, ok
}

// hear takes in a ping that came to us, or that a member told us of.
func (p *Pings) hear(ctx context.Context, t target.Target, ping Ping) error {
	var out []core.MemberID
	if ping.Via == p.n.Self {
		var err error
		if out, err = p.n.Circle.Circle(ctx, t.Owner, t.ID); err != nil {
			return err
		}
	}
	before, after, err := add(ctx, p.n.DB, p.n.Self, ping, out)
	if err != nil {
		return err
	}
	if len(out) > 0 {
		p.tellNow()
	}
	now := core.At(p.n.Now())
	if was, is := Judge(t, before, now), Judge(t, after, now); was.State != is.State || was.Failed != is.Failed {
		p.n.Found(ctx, t, result(is, after, now))
	}
	return nil
}

// tellNow has the others told now.
func (p *Pings) tellNow() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// State is how a target stands, and what was heard of it.
func (p *Pings) State(ctx context.Context, t target.Target) (Standing, Record, error) {
	r, err := recordOf(ctx, p.n.DB, t.Owner, t.ID)
	return Judge(t, r, core.At(p.n.Now())), r, err
}

// Recent are the newest pings of a target, the newest first, at most limit and a hundred.
// Their lines are there for our own targets only.
func (p *Pings) Recent(ctx context.Context, t target.Target, limit int) ([]Ping, error) {
	return recent(ctx, p.n.DB, t.Owner, t.ID, min(limit, keptPings))
}

// Look is the look at a ping target: what was heard, judged now. Unfit: no ping ever came,
// or the one that is missing may have come while who gets them was away.
func (p *Pings) Look(ctx context.Context, t target.Target) look.Result {
	now := core.At(p.n.Now())
	s, r, err := p.State(ctx, t)
	if err != nil {
		p.n.Log.Warn("pings cannot be read", "target", t.ID, "error", err)
		return look.Result{At: now, Class: look.Unfit}
	}
	found := result(s, r, now)
	if found.Class == look.Silent {
		doubt, err := p.doubtful(ctx, t, r, s, now)
		if err != nil {
			p.n.Log.Warn("pings cannot be read", "target", t.ID, "error", err)
		}
		if doubt || err != nil {
			found.Class = look.Unfit
		}
	}
	return found
}

// result is a standing as a look would have found it.
func result(s Standing, r Record, now core.Moment) look.Result {
	found := look.Result{At: now, Latency: r.Ran}
	switch {
	case s.State == Unheard || s.State == Paused:
		found.Class = look.Unfit
	case s.Failed:
		found.Class = look.Failed
	case s.State == Down:
		found.Class = look.Silent
	}
	return found
}

// relayTime is how long the news of a ping may take to us.
const relayTime = 30 * time.Second

// periods is how many missed pings in a row are excused, each by an absence of its own.
const periods = 10

// doubtful says whether the pings that are missing may all have been lost: who got them
// until now does not answer, or was away when each of them was due.
func (p *Pings) doubtful(ctx context.Context, t target.Target, r Record, s Standing, now core.Moment) (bool, error) {
	if r.Via != p.n.Self && !p.n.Circle.Alive(ctx, r.Via) {
		return true, nil
	}
	if r.Via != p.n.Self && now < s.Deadline.Add(relayTime) {
		return true, nil
	}
	grace := Grace(*t.Expect.Signal)
	due, deadline := s.Due, s.Deadline
	for range periods {
		if now < deadline {
			return true, nil
		}
		away, err := wasAway(ctx, p.n.DB, r.Via, due.Add(-grace), deadline)
		if err != nil || !away {
			return false, err
		}
		if due = next(*t.Expect.Signal, due); due == 0 {
			return false, nil
		}
		deadline = due.Add(grace)
	}
	return false, nil
}

// Jobs tell the others, keep the list of targets, and notice when we were away.
func (p *Pings) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-ping-heartbeat", Every: 30 * time.Second, Run: p.Heartbeat},
		{Name: "watch-ping-targets", Every: 10 * time.Second, Jitter: 2 * time.Second, Run: p.Refresh},
		{Name: "watch-ping-tell", Run: p.wait},
		{Name: "watch-ping-prune", Every: 6 * time.Hour, Jitter: time.Hour, Later: true, Run: p.Prune},
	}
}

// Prune forgets what is old, and what was heard of targets that are gone.
func (p *Pings) Prune(ctx context.Context) error {
	if err := prune(ctx, p.n.DB, core.At(p.n.Now())); err != nil {
		return err
	}
	if err := p.Refresh(ctx); err != nil {
		return err
	}
	return forget(ctx, p.n.DB, func(owner core.MemberID, id string) bool {
		_, ok := p.known(owner, id)
		return ok
	})
}

// Heartbeat notes that we are up, and tells the others when we were away: nobody may take for
// silence what came while nobody was here to hear it.
func (p *Pings) Heartbeat(ctx context.Context) error {
	now := core.At(p.n.Now())
	from, away, err := heartbeat(ctx, p.n.DB, now)
	if err != nil || !away {
		return err
	}
	if err := putAway(ctx, p.n.DB, p.n.Self, from, now); err != nil {
		return err
	}
	all, err := p.n.Circle.Targets(ctx)
	if err != nil {
		return err
	}
	seen := map[core.MemberID]bool{}
	for _, t := range all {
		circle, err := p.n.Circle.Circle(ctx, t.Owner, t.ID)
		if err != nil {
			return err
		}
		for _, m := range circle {
			if seen[m] {
				continue
			}
			seen[m] = true
			if err := putOut(ctx, p.n.DB, m, Ping{At: from, Kind: kindAway, Bytes: int(now - from)}, ""); err != nil {
				return err
			}
		}
	}
	p.tellNow()
	return nil
}
