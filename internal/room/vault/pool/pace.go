package pool

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

const (
	// slowFor is how long a member that was slow is asked after the others.
	slowFor = 10 * time.Minute
	// LateEach is with how many shards a member may be late before it is sent no more where
	// the others suffice; and where they do not, how many of them others do not wait for.
	LateEach = 2
)

// Pace is who is slower than the others. Safe for concurrent use.
type Pace struct {
	troubles catalogue.Troubles
	now      func() time.Time
	log      *slog.Logger

	mu       sync.Mutex
	slow     map[core.MemberID]time.Time // when a member was last much slower than others
	lateWith map[core.MemberID]int       // shards on their way that a member is late with
	named    map[core.MemberID]bool      // whether it was said that a member is late
}

func newPace(n Needs) *Pace {
	return &Pace{
		troubles: n.Store.Troubles, now: n.Now, log: n.Log,
		slow: map[core.MemberID]time.Time{}, lateWith: map[core.MemberID]int{}, named: map[core.MemberID]bool{},
	}
}

func (p *Pace) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.slow)
}

// NoteSlow notes that a member was much slower than others.
func (p *Pace) NoteSlow(id core.MemberID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow[id] = p.now()
}

// Slow says whether a member was much slower than others a moment ago.
func (p *Pace) Slow(id core.MemberID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.slow[id]
	return ok && p.now().Sub(at) < slowFor
}

// Late notes that a member is late with a shard, until over is called, and answers with
// how many it is.
func (p *Pace) Late(id core.MemberID) (n int, over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lateWith[id]++
	return p.lateWith[id], func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.lateWith[id]--
	}
}

// NameSlow has people know that a member takes what it is sent more slowly than others.
func (p *Pace) NameSlow(ctx context.Context, id core.MemberID) {
	p.NoteSlow(id)
	p.mu.Lock()
	said := p.named[id]
	p.named[id] = true
	p.mu.Unlock()
	if said {
		return
	}
	p.log.Warn("a member takes what it is sent much more slowly than the others", "member", id)
	logged(p.log, p.troubles.Add(context.WithoutCancel(ctx), catalogue.Trouble{Member: id, Kind: catalogue.TroubleSlow, Last: core.At(p.now())}))
}

// InTime notes that a member took a shard when the others did.
func (p *Pace) InTime(ctx context.Context, id core.MemberID) {
	p.mu.Lock()
	named, known := p.named[id]
	p.named[id] = false
	p.mu.Unlock()
	if named || !known { // an earlier process may have named it
		logged(p.log, p.troubles.End(context.WithoutCancel(ctx), id, catalogue.TroubleSlow, core.At(p.now())))
	}
}

// Quick leaves out the candidates that are late with as many shards as may be.
func (p *Pace) Quick(all []shard.Candidate) []shard.Candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []shard.Candidate
	for _, c := range all {
		if p.lateWith[c.ID] < LateEach {
			out = append(out, c)
		}
	}
	return out
}
