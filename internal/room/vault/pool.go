package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

const (
	// lendersFor is how long trust's answer is used again: short, for a file is cut for
	// the lenders known when it comes.
	lendersFor = time.Second
	// sumsFor is the same for our own sums, which read every placement.
	sumsFor = 5 * time.Second
	// beat is the unit of the pauses between tries.
	beat = time.Second
	// The pause in beats before a lender that failed is sent anything new, doubled each
	// time.
	firstPause = 2
	maxPause   = 5 * time.Minute
	// The same after a clear no, full or no grant: it lasts longer, but who made room
	// or signed again should not be waited for in vain.
	firstRefused = 5
	maxRefused   = 10 * time.Minute
	// slowFor is how long a member that was slow is asked after the others.
	slowFor = 10 * time.Minute
	// reachEvery bounds how often a well lender's row is written.
	reachEvery = time.Minute
)

// pool is what we know of the lenders now: who granted us room, how much of it is
// left, who fails. The catalogue remembers it; this is the running node's view.
type pool struct {
	n     *Needs
	store catalogue.Store
	log   *slog.Logger
	// beat and lateLeast but in tests.
	beat, lateLeast time.Duration

	summing sync.Mutex // one sum at a time: it reads the whole catalogue

	mu      sync.Mutex
	asked   time.Time // trust
	summed  time.Time // the catalogue
	lenders []core.Lender
	used    map[core.MemberID]int64
	// landing are shards that members took and the catalogue does not show yet.
	landing map[shard.Hash][]catalogue.Placement
	states  map[core.MemberID]catalogue.LenderState
	written map[core.MemberID]core.Moment
	fails   map[core.MemberID]int
	// How often a member said no since it last took something.
	refusals map[core.MemberID]int
	late     map[core.MemberID]time.Time // when a member was last much slower than others
	dragging map[core.MemberID]int       // shards on their way that a member is late with
	named    map[core.MemberID]bool      // whether it was said that a member is late
}

func newPool(n *Needs, s catalogue.Store) *pool {
	return &pool{
		n: n, store: s, log: n.Log, beat: beat, lateLeast: lateLeast, written: map[core.MemberID]core.Moment{}, landing: map[shard.Hash][]catalogue.Placement{},
		fails: map[core.MemberID]int{}, refusals: map[core.MemberID]int{}, late: map[core.MemberID]time.Time{},
		dragging: map[core.MemberID]int{}, named: map[core.MemberID]bool{},
	}
}

// refresh asks trust and the catalogue again when their answers are old.
func (p *pool) refresh(ctx context.Context) error {
	now := p.n.Now()
	p.mu.Lock()
	// That nobody lends is asked again each time: the first pact may just have come,
	// and restic would be refused.
	known := len(p.lenders) > 0 && now.Sub(p.asked) < lendersFor
	summed := now.Sub(p.summed) < sumsFor
	p.mu.Unlock()
	if !known {
		lenders, err := p.n.Lenders.Lenders(ctx, core.GrantStore)
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
func (p *pool) sum(ctx context.Context, now time.Time) error {
	p.summing.Lock()
	defer p.summing.Unlock()
	p.mu.Lock()
	done := now.Sub(p.summed) < sumsFor // by who was before us
	p.mu.Unlock()
	if done {
		return nil
	}
	used, err := p.store.Placements.Used(ctx)
	if err != nil {
		return err
	}
	states, err := p.store.Lenders.States(ctx)
	if err != nil {
		return err
	}
	for id, s := range p.merge(states) {
		p.keep(ctx, id, s)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used, p.states, p.summed = used, states, now
	return nil
}

// merge puts what this process saw into what the table says, where it is newer, and
// answers what the table should say instead: a command saw a member fail, and we
// saw it well since.
func (p *pool) merge(table map[core.MemberID]catalogue.LenderState) (healed map[core.MemberID]catalogue.LenderState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	healed = map[core.MemberID]catalogue.LenderState{}
	for id, ours := range p.states {
		theirs := table[id]
		if ours.Good < theirs.Good || ours.Bad == 0 && theirs.Bad > ours.Good {
			continue
		}
		if ours.Bad == 0 && theirs.Bad != 0 {
			healed[id] = ours
		}
		table[id] = ours
	}
	return healed
}

// all lists the lenders, well or not.
func (p *pool) all(ctx context.Context) ([]core.Lender, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lenders, nil
}

// candidates lists the lenders that may be sent something now, with their room.
func (p *pool) candidates(ctx context.Context) ([]shard.Candidate, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := core.At(p.n.Now())
	var out []shard.Candidate
	for _, l := range p.lenders {
		c, s := shard.Candidate{Lender: l, Free: l.Grant.Bytes - p.used[l.ID]}, p.states[l.ID]
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

// due lists the members that failed us and whose pause is over.
func (p *pool) due() []core.MemberID {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := core.At(p.n.Now())
	var out []core.MemberID
	for id, s := range p.states {
		if s.Bad != 0 && s.Next <= now {
			out = append(out, id)
		}
	}
	return out
}

// failing says whether a member did not do what we last asked it.
func (p *pool) failing(id core.MemberID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[id].Bad != 0
}

// resting says whether a member failed us, and its pause is not over.
func (p *pool) resting(id core.MemberID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[id].Bad != 0 && p.states[id].Next > core.At(p.n.Now())
}

// noteSlow notes that a member was much slower than others.
func (p *pool) noteSlow(id core.MemberID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late[id] = p.n.Now()
}

// slow says whether a member was much slower than others a moment ago.
func (p *pool) slow(id core.MemberID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.late[id]
	return ok && p.n.Now().Sub(at) < slowFor
}

// well leaves out the candidates that did not do what they were last asked: they are
// tried again, but nothing is promised on them.
func (p *pool) well(all []shard.Candidate) []shard.Candidate {
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

// code is how a new file is cut for the members that are well now; none while
// nobody is. One copy is not chosen as long as there are others that may come back
// in a moment: choose loosens the code when they do not.
func (p *pool) code(ctx context.Context, o catalogue.Object) (shard.Code, error) {
	lenders, err := p.candidates(ctx)
	if err != nil {
		return shard.Code{}, err
	}
	domains := fitting(o, nil, roomFor(o.File.Type, p.well(lenders)))
	if domains == 0 {
		return shard.Code{}, nil
	}
	all, err := p.all(ctx)
	if err != nil {
		return shard.Code{}, err
	}
	return catalogue.CodeFor(o.File.Type, max(domains, min(shard.Domains(all), 2))), nil
}

// relabel gives placements the failure domain their members stand in now: members
// move, and after a recovery none is known.
func (p *pool) relabel(held []catalogue.Placement) []catalogue.Placement {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, h := range held {
		for _, l := range p.lenders {
			if l.ID == h.Member {
				held[i].Site, held[i].Admin = l.Site, l.Admin
			}
		}
	}
	return held
}

// hand notes a shard that its member took, until landed says that the catalogue shows
// it, or never will: it counts in used from now on, and must not count as waiting too.
func (p *pool) hand(ctx context.Context, one catalogue.Placement) {
	p.mu.Lock()
	p.landing[one.Object] = append(p.landing[one.Object], one)
	p.mu.Unlock()
	p.took(ctx, one.Member, catalogue.Cost(one.Length))
}

func (p *pool) landed(id shard.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.landing, id)
}

// inHand lists the shards of hand.
func (p *pool) inHand(id shard.Hash) []catalogue.Placement {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.landing[id])
}

// took notes that a lender took n bytes. One that had no room for as much has room
// again; a small thing that still fits says nothing of the large ones.
func (p *pool) took(ctx context.Context, id core.MemberID, n int64) {
	p.mu.Lock()
	if p.used != nil {
		p.used[id] += n
	}
	p.mu.Unlock()
	p.noteWell(ctx, id, n)
}

// good notes that a member gave what we asked. One that is full stays so.
func (p *pool) good(ctx context.Context, id core.MemberID) { p.noteWell(ctx, id, 0) }

func (p *pool) noteWell(ctx context.Context, id core.MemberID, took int64) {
	ctx = context.WithoutCancel(ctx)
	now := core.At(p.n.Now())
	p.mu.Lock()
	was := p.states[id]
	is := catalogue.LenderState{Good: now, Full: was.Full}
	if took >= was.Full {
		is.Full = 0
	}
	if was.Bad == 0 && took == 0 || is.Full > 0 {
		is.Next = was.Next
	}
	p.set(id, is)
	delete(p.fails, id)
	if took > 0 && is.Full == 0 {
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
	p.keep(ctx, id, is)
	if was.Bad != 0 {
		p.logged(p.store.Troubles.End(ctx, id, catalogue.TroubleUnreachable, now))
		p.logged(p.store.Troubles.End(ctx, id, catalogue.TroubleProxy, now))
		p.logged(p.store.Queue.RetryNow(ctx))
	}
	if is.Full == 0 && (was.Full > 0 || took > 0 && was.Next != 0) {
		p.logged(p.store.Troubles.End(ctx, id, catalogue.TroubleFull, now))
		p.logged(p.store.Troubles.End(ctx, id, catalogue.TroubleProxyLimit, now))
	}
	if took > 0 {
		p.logged(p.store.Troubles.End(ctx, id, catalogue.TroubleRefused, now))
	}
}

func (p *pool) set(id core.MemberID, s catalogue.LenderState) {
	if p.states == nil {
		p.states = map[core.MemberID]catalogue.LenderState{}
	}
	p.states[id] = s
}

// bad notes what a member did wrong: it is asked last from now on, sent nothing
// for a while, and `vault status` names it.
func (p *pool) bad(ctx context.Context, t catalogue.Trouble) {
	ctx = context.WithoutCancel(ctx)
	now := core.At(p.n.Now())
	t.Last = now
	p.mu.Lock()
	s := p.states[t.Member]
	switch t.Kind {
	case catalogue.TroubleBusy:
		s.Next = now.Add(firstPause * p.beat)
		p.set(t.Member, s)
		p.mu.Unlock()
		return
	case catalogue.TroubleFull, catalogue.TroubleRefused, catalogue.TroubleProxyLimit:
		if t.Kind != catalogue.TroubleRefused && (s.Full == 0 || t.Size < s.Full) {
			s.Full = max(t.Size, 1)
		}
		p.refusals[t.Member]++
		s.Next = now.Add(min(firstRefused*p.beat<<min(p.refusals[t.Member]-1, 10), maxRefused))
	default:
		// What fails at once, in parallel, is one failure: the pause does not grow.
		if s.Next <= now {
			p.fails[t.Member]++
			s.Next = now.Add(min(firstPause*p.beat<<min(p.fails[t.Member]-1, 10), maxPause))
		}
		if s.Bad == 0 {
			s.Bad = now
		}
	}
	p.set(t.Member, s)
	p.mu.Unlock()
	p.log.Warn("a member failed us", "member", t.Member, "trouble", t.Kind, "object", t.Object, "shard", t.Index, "detail", t.Detail)
	p.keep(ctx, t.Member, s)
	p.logged(p.store.Troubles.Add(ctx, t))
}

func (p *pool) keep(ctx context.Context, id core.MemberID, s catalogue.LenderState) {
	p.logged(p.store.Lenders.SetState(ctx, id, s))
}

// logged: what is only remembered for people must not stop a backup.
func (p *pool) logged(err error) {
	if err != nil {
		p.log.Warn("noting the state of a member failed", "error", err)
	}
}

// answered says that an error is what came over the wire as an error, and not what we
// found wrong ourselves.
func answered(err error) bool {
	var e *core.Error
	return errors.As(err, &e) && e.Args["Status"] != nil
}

// troubleOf sorts what came back of a member.
func troubleOf(member core.MemberID, p catalogue.Placement, err error) catalogue.Trouble {
	t := catalogue.Trouble{Member: member, Object: p.Object.String(), Index: p.Index, Detail: fmt.Sprintf("%.200s", err), Size: catalogue.Cost(p.Length)}
	switch core.CodeOf(err) {
	case core.CodeInvalid, core.CodeConflict:
		// Only what we verified and found wrong is a lie; an error it answered is a no.
		if t.Kind = catalogue.TroubleWrong; answered(err) {
			t.Kind = catalogue.TroubleRefused
		}
	case core.CodeNotFound:
		t.Kind = catalogue.TroubleLost
	case core.CodeDenied:
		t.Kind = catalogue.TroubleRefused
	case core.CodeFull:
		t.Kind = catalogue.TroubleFull
	default:
		t.Kind = catalogue.TroubleUnreachable
	}
	if e, ok := errors.AsType[*core.Error](err); ok {
		switch e.Key {
		case "vault.busy", "peer.slow_down", "peer.proxy_rate":
			t.Kind = catalogue.TroubleBusy
		case "peer.proxy_limit":
			t.Kind = catalogue.TroubleProxyLimit
		case "peer.proxy_page", "peer.proxy_down":
			t.Kind = catalogue.TroubleProxy
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Kind = catalogue.TroubleUnreachable
	}
	if t.Kind != catalogue.TroubleWrong && t.Kind != catalogue.TroubleLost {
		t.Object, t.Index = "", 0 // about the member, not about one shard
	}
	return t
}
