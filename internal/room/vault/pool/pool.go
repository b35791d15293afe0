package pool

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

const (
	// lendersFor is how long trust's answer is used again: short, for a file is encoded for
	// the lenders known when it comes.
	lendersFor = time.Second
	// sumsFor is the same for our own sums, which read every placement.
	sumsFor = 5 * time.Second
	// Interval is the unit of the pauses between tries.
	Interval = time.Second
	// The pause in intervals before a lender that failed is sent anything new, doubled each
	// time.
	firstPause = 2
	maxPause   = 5 * time.Minute
	// The same after a clear no, full or no grant: it lasts longer, but who made room
	// or signed again should not be waited for in vain.
	firstRefused = 5
	maxRefused   = 10 * time.Minute
	// reachEvery bounds how often a well lender's row is written.
	reachEvery = time.Minute
)

// Needs is what a Pool is made of.
type Needs struct {
	Lenders Lenders
	DB      *db.DB
	Store   catalogue.Store
	Work    *local.Signal // told that an object may have work
	Now     func() time.Time
	Log     *slog.Logger
	// Interval is the unit of the pauses between tries; zero = Interval.
	Interval time.Duration
}

// Lenders says who granted us room, and how much; and who may soon: the members that have not
// answered our proposal, and those whose proposal we have not answered.
type Lenders interface {
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
	Awaited(ctx context.Context, kind core.GrantKind) (theirs, ours []core.MemberID, err error)
}

// Pool is what we know of the lenders now: who granted us room, how much of it is
// left, who fails. The catalogue remembers it; this is the running node's view. Safe for
// concurrent use.
type Pool struct {
	Needs

	Pace *Pace // who is slow

	summing sync.Mutex // one sum at a time: it reads the whole catalogue

	mu      sync.Mutex
	asked   time.Time // trust
	summed  time.Time // the catalogue
	lenders []core.Lender
	used    map[core.MemberID]int64
	// unwritten are shards that members took and the catalogue does not show yet.
	unwritten map[shard.Hash][]catalogue.Placement
	states    map[core.MemberID]catalogue.LenderState
	written   map[core.MemberID]core.Moment
	fails     map[core.MemberID]int
	// How often a member said no since it last took something.
	refusals map[core.MemberID]int
}

// New makes a Pool; nothing is asked yet.
func New(n Needs) *Pool {
	if n.Interval == 0 {
		n.Interval = Interval
	}
	return &Pool{
		Needs: n, Pace: newPace(n), written: map[core.MemberID]core.Moment{}, unwritten: map[shard.Hash][]catalogue.Placement{},
		states: map[core.MemberID]catalogue.LenderState{}, fails: map[core.MemberID]int{}, refusals: map[core.MemberID]int{},
	}
}

// Reset forgets who failed and who was slow, and has trust and the catalogue asked again.
func (p *Pool) Reset() {
	p.Expire()
	p.Pace.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.states)
	clear(p.fails)
}

// Expire has trust and the catalogue asked again, however new their answers are.
func (p *Pool) Expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.summed = time.Time{}, time.Time{}
}

// refresh asks trust and the catalogue again when their answers are old.
func (p *Pool) refresh(ctx context.Context) error {
	now := p.Now()
	p.mu.Lock()
	// That nobody lends is asked again each time: the first pact may just have come,
	// and restic would be refused.
	known := len(p.lenders) > 0 && now.Sub(p.asked) < lendersFor
	summed := now.Sub(p.summed) < sumsFor
	p.mu.Unlock()
	if !known {
		lenders, err := p.Lenders.Lenders(ctx, holder.KindStore)
		if err != nil {
			return core.Unsure("vault.pool_unknown", fmt.Errorf("ask who lends: %w", err))
		}
		p.mu.Lock()
		p.lenders, p.asked = lenders, now
		p.mu.Unlock()
	}
	if summed {
		return nil
	}
	return p.sum(ctx, now)
}

// sum reads what lies at each lender and how each was when last asked.
func (p *Pool) sum(ctx context.Context, now time.Time) error {
	p.summing.Lock()
	defer p.summing.Unlock()
	p.mu.Lock()
	done := now.Sub(p.summed) < sumsFor // by who was before us
	p.mu.Unlock()
	if done {
		return nil
	}
	used, err := p.Store.Placements.Used(ctx)
	if err != nil {
		return err
	}
	states, err := p.Store.Lenders.States(ctx)
	if err != nil {
		return err
	}
	for id, s := range p.merge(states) {
		p.write(ctx, id, s)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used, p.states, p.summed = used, states, now
	return nil
}

// merge puts what this process saw into what the table says, where it is newer, and
// answers what the table should say instead: a command saw a member fail, and we
// saw it well since.
func (p *Pool) merge(table map[core.MemberID]catalogue.LenderState) (newer map[core.MemberID]catalogue.LenderState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	newer = map[core.MemberID]catalogue.LenderState{}
	for id, ours := range p.states {
		theirs := table[id]
		if ours.Good < theirs.Good || ours.Bad == 0 && theirs.Bad > ours.Good {
			continue
		}
		if ours.Bad == 0 && theirs.Bad != 0 {
			newer[id] = ours
		}
		table[id] = ours
	}
	return newer
}

// All lists the lenders, well or not.
func (p *Pool) All(ctx context.Context) ([]core.Lender, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lenders, nil
}

// Candidates lists the lenders that may be sent something now, with their room.
func (p *Pool) Candidates(ctx context.Context) ([]shard.Candidate, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := core.At(p.Now())
	var out []shard.Candidate
	for _, l := range p.lenders {
		c, s := shard.Candidate{Lender: l, Free: l.Grant.Amount(holder.FieldBytes) - p.used[l.ID]}, p.states[l.ID]
		switch {
		case s.Next <= now:
		case s.Full > 0 && s.Bad == 0: // full for what is large; small things may still fit
			c.Free = min(c.Free, s.Full-1)
		default:
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

// Due lists the members that failed us and whose pause is over.
func (p *Pool) Due() []core.MemberID {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := core.At(p.Now())
	var out []core.MemberID
	for id, s := range p.states {
		if s.Bad != 0 && s.Next <= now {
			out = append(out, id)
		}
	}
	return out
}

// Failing says whether a member did not do what we last asked it.
func (p *Pool) Failing(id core.MemberID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[id].Bad != 0
}

// Resting says whether a member failed us, and its pause is not over.
func (p *Pool) Resting(id core.MemberID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[id].Bad != 0 && p.states[id].Next > core.At(p.Now())
}

// Well leaves out the candidates that did not do what they were last asked: they are
// tried again, but nothing is promised on them.
func (p *Pool) Well(all []shard.Candidate) []shard.Candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []shard.Candidate
	for _, c := range all {
		if p.states[c.ID].Bad == 0 {
			out = append(out, c)
		}
	}
	return out
}

// Code is how a new file is encoded for the members that are well now; none while
// nobody is. One copy is not chosen as long as there are others that may come back
// in a moment: shipping loosens the code when they do not.
func (p *Pool) Code(ctx context.Context, o catalogue.Object) (shard.Code, error) {
	lenders, err := p.Candidates(ctx)
	if err != nil {
		return shard.Code{}, err
	}
	domains := Fitting(o, nil, RoomFor(o.File.Type, p.Well(lenders)))
	if domains == 0 {
		return shard.Code{}, nil
	}
	all, err := p.All(ctx)
	if err != nil {
		return shard.Code{}, err
	}
	return catalogue.CodeFor(o.File.Type, max(domains, min(shard.Domains(all), 2))), nil
}

// Relabel gives placements the failure domain their members stand in now: members
// move, and after a recovery none is known.
func (p *Pool) Relabel(stored []catalogue.Placement) []catalogue.Placement {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, h := range stored {
		for _, l := range p.lenders {
			if l.ID == h.Member {
				stored[i].Site, stored[i].Admin = l.Site, l.Admin
			}
		}
	}
	return stored
}

// Delivered notes a shard that its member took, until Written says that the catalogue shows
// it, or never will: it counts in used from now on, and must not count as waiting too.
func (p *Pool) Delivered(ctx context.Context, one catalogue.Placement) {
	p.mu.Lock()
	p.unwritten[one.Object] = append(p.unwritten[one.Object], one)
	p.mu.Unlock()
	p.Accepted(ctx, one.Member, catalogue.Cost(one.Length))
}

// Written ends what Delivered began, for an object.
func (p *Pool) Written(id shard.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.unwritten, id)
}

// Unwritten lists the shards of an object that Delivered noted.
func (p *Pool) Unwritten(id shard.Hash) []catalogue.Placement {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.unwritten[id])
}

// Accepted notes that a lender took n bytes. One that had no room for as much has room
// again; a small thing that still fits says nothing of the large ones.
func (p *Pool) Accepted(ctx context.Context, id core.MemberID, n int64) {
	p.mu.Lock()
	if p.used != nil {
		p.used[id] += n
	}
	p.mu.Unlock()
	p.noteWell(ctx, id, n)
}

// Good notes that a member gave what we asked. One that is full stays so.
func (p *Pool) Good(ctx context.Context, id core.MemberID) { p.noteWell(ctx, id, 0) }

func (p *Pool) noteWell(ctx context.Context, id core.MemberID, accepted int64) {
	ctx = context.WithoutCancel(ctx)
	now := core.At(p.Now())
	p.mu.Lock()
	was := p.states[id]
	is := catalogue.LenderState{Good: now, Full: was.Full}
	if accepted >= was.Full {
		is.Full = 0
	}
	if was.Bad == 0 && accepted == 0 || is.Full > 0 {
		is.Next = was.Next
	}
	p.states[id] = is
	delete(p.fails, id)
	if accepted > 0 && is.Full == 0 {
		delete(p.refusals, id)
	}
	write := was.Bad != is.Bad || was.Next != is.Next || was.Full != is.Full || now.Sub(p.written[id]) > reachEvery
	if write {
		p.written[id] = now
	}
	p.mu.Unlock()
	if !write {
		return
	}
	p.write(ctx, id, is)
	if was.Bad != 0 {
		logged(p.Log, p.Store.Troubles.End(ctx, id, catalogue.TroubleUnreachable, now))
		logged(p.Log, p.Store.Troubles.End(ctx, id, catalogue.TroubleProxy, now))
		logged(p.Log, p.Store.Queue.RetryNow(ctx))
	}
	if is.Full == 0 && (was.Full > 0 || accepted > 0 && was.Next != 0) {
		logged(p.Log, p.Store.Troubles.End(ctx, id, catalogue.TroubleFull, now))
		logged(p.Log, p.Store.Troubles.End(ctx, id, catalogue.TroubleProxyLimit, now))
	}
	if accepted > 0 {
		logged(p.Log, p.Store.Troubles.End(ctx, id, catalogue.TroubleRefused, now))
	}
}

// Bad notes what a member did wrong: it is asked last from now on, sent nothing
// for a while, and `vault status` names it.
func (p *Pool) Bad(ctx context.Context, t catalogue.Trouble) {
	ctx = context.WithoutCancel(ctx)
	now := core.At(p.Now())
	t.Last = now
	p.mu.Lock()
	s := p.states[t.Member]
	switch t.Kind {
	case catalogue.TroubleBusy:
		s.Next = now.Add(firstPause * p.Interval)
		p.states[t.Member] = s
		p.mu.Unlock()
		return
	case catalogue.TroubleFull, catalogue.TroubleRefused, catalogue.TroubleProxyLimit:
		if t.Kind != catalogue.TroubleRefused && (s.Full == 0 || t.Size < s.Full) {
			s.Full = max(t.Size, 1)
		}
		p.refusals[t.Member]++
		s.Next = now.Add(min(firstRefused*p.Interval<<min(p.refusals[t.Member]-1, 10), maxRefused))
	default:
		// What fails at once, in parallel, is one failure: the pause does not grow.
		if s.Next <= now {
			p.fails[t.Member]++
			s.Next = now.Add(min(firstPause*p.Interval<<min(p.fails[t.Member]-1, 10), maxPause))
		}
		if s.Bad == 0 {
			s.Bad = now
		}
	}
	p.states[t.Member] = s
	p.mu.Unlock()
	p.Log.Warn("a member failed us", "member", t.Member, "trouble", t.Kind, "object", t.Object, "shard", t.Index, "detail", t.Detail)
	p.write(ctx, t.Member, s)
	logged(p.Log, p.Store.Troubles.Add(ctx, t))
}

func (p *Pool) write(ctx context.Context, id core.MemberID, s catalogue.LenderState) {
	logged(p.Log, p.Store.Lenders.SetState(ctx, id, s))
}

// logged: what is only remembered for people must not stop a backup.
func logged(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("noting the state of a member failed", "error", err)
	}
}
