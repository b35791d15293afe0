package quorum

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// Book is the logbook as we write into it.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Looks is the schedule: it looks now, within its limits, and says whether our looks can
// be trusted.
type Looks interface {
	Ask(ctx context.Context, t target.Target) (look.Result, bool)
	Fit() schedule.Fitness
}

// Members answers about the other members.
type Members interface {
	// Lenders promised to look at our targets.
	Lenders(ctx context.Context) ([]core.Lender, error)
	// Owners are those whose targets we promised to look at, with the least seconds.
	Owners(ctx context.Context) ([]verdict.Watched, error)
	// Known are all members we know; when many do not answer, we are cut off.
	Known(ctx context.Context) ([]core.MemberID, error)
	// Place is where a member's node stands: what it, or we, call the site (of ourselves
	// only), and the IPv4 /16 or IPv6 /32 of its address. Both may be empty.
	Place(ctx context.Context, m core.MemberID) (site, prefix string)
	// Keys are all keys a member signed with that were not revoked whole.
	Keys(ctx context.Context, m core.MemberID) ([]ed25519.PublicKey, error)
}

// Calls is what we ask of other members.
type Calls interface {
	// Vote asks for a vote. Any error is as good as silence.
	Vote(ctx context.Context, to core.MemberID, a verdict.Ask) (verdict.Vote, error)
	// Tell shows a certificate, so that nobody waits for the logbook.
	Tell(ctx context.Context, to core.MemberID, n News) error
	// Alive is nil when a member's node answers at all.
	Alive(ctx context.Context, to core.MemberID) error
}

// Needs is what the engine is wired with; all but Isolated and Unproved is
// required.
type Needs struct {
	DB      *db.DB // with migrations.Files applied
	Signer  seal.Signer
	Book    Book
	Looks   Looks
	Members Members
	Calls   Calls
	// Targets are all that may be looked at: our own, and what the members that we watch
	// published under proven domains.
	Targets func(ctx context.Context) ([]target.Target, error)
	// Changed is told each change of a verdict, at least once, those of one target in
	// their order; after an error it is told again.
	Changed func(ctx context.Context, before, after verdict.Verdict) error
	// Unproved says whether nothing proves that a target's host is ours: then no member looks
	// at it, and it is ours to say that it fails. nil = everything is proved.
	Unproved func(ctx context.Context, t target.Target) bool
	// Isolated is told when we find ourselves cut off, and when that is over; may be nil.
	Isolated func(ctx context.Context, isolated bool, since core.Moment)
	Now      func() time.Time
	Log      *slog.Logger
}

// Engine is this node's part in all verdicts. Safe for concurrent use.
type Engine struct {
	*memory
	n     Needs
	facts ledger
	// proves says whether a signature holds; long simulations have a quicker one.
	proves  func(key ed25519.PublicKey, text, sig []byte) bool
	begun   chan func(ctx context.Context) // what Run is to run
	reading sync.Mutex                     // held while Start reads
	started bool                           // Start has read; reading is held
	telling sync.Mutex                     // verdicts are told one after another
	asking  chan struct{}                  // has room for one that asks whether members are there
}

// What the engine does, each with its own methods.
type (
	collector struct{ *Engine } // runs the cases we begin
	voter     struct{ *Engine } // answers calls
	canary    struct{ *Engine } // finds out whether we are cut off
	speaker   struct{ *Engine } // says rosters and duties
	reader    struct{ *Engine } // reads logbooks
	teller    struct{ *Engine } // tells the rest of this node
)

// New makes an engine that knows nothing yet; Start reads what is stored.
func New(n Needs) *Engine {
	m := &memory{self: n.Signer.ID(), clock: n.Now}
	m.clear()
	return &Engine{memory: m, n: n, facts: store{n.DB}, proves: seal.Holds, begun: make(chan func(context.Context), mostBegun), asking: make(chan struct{}, 1)}
}

// mostBegun is how much may wait until Run runs it.
const mostBegun = 4096

// Run lets cases run until the context ends, and waits for those that do.
func (e *Engine) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case fn := <-e.begun:
			running.Go(func() { fn(ctx) })
		}
	}
}

// spawn has Run run something; false: too much waits.
func (e *Engine) spawn(fn func(ctx context.Context)) bool {
	select {
	case e.begun <- fn:
		return true
	default:
		return false
	}
}

// after is spawn, later.
func (e *Engine) after(d time.Duration, fn func(ctx context.Context)) {
	e.spawn(func(ctx context.Context) {
		if pause(ctx, d) {
			fn(ctx)
		}
	})
}

// pause waits; false: the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// refresh reads the targets again, at most every ten seconds unless they are old.
func (e *Engine) refresh(ctx context.Context, atLeast time.Duration) error {
	e.mu.Lock()
	due := e.n.Now().Sub(e.fetched) >= atLeast
	e.mu.Unlock()
	if !due {
		return nil
	}
	all, err := e.n.Targets(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fetched = e.n.Now()
	clear(e.targets)
	for _, t := range all {
		e.targets[verdict.Key{Owner: t.Owner, Target: t.ID}] = t
	}
	for k, w := range e.watched {
		if t, ok := e.targets[k]; ok {
			w.every = e.everyOf(t)
		}
	}
	return nil
}
