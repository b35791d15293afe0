package vault

import (
	"context"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// A member that takes what it is sent much more slowly than the others, by its line or
// by its will, holds nobody up: nothing on its way to it is cut off for that, but other objects
// go on beside it, without it where the others suffice, and it is named.
const (
	// lateLeast is how long a shard is on its way before its member can be late, and
	// lateTimes how many times longer than the first of its object.
	lateLeast = 30 * time.Second
	lateTimes = 4
	// lateEach is with how many shards a member may be late before it is sent no more where
	// the others suffice; and where they do not, how many of them others do not wait for.
	lateEach = 2
)

// latecomers watches the shards of one object on their way.
type latecomers struct {
	s     *shipment
	began time.Time
	under map[core.MemberID]bool // on their way
	timer *time.Timer            // nil while nobody can be late yet
	over  []func()
}

func (s *shipment) watch(tasks []task) *latecomers {
	l := &latecomers{s: s, began: s.room.n.Now(), under: map[core.MemberID]bool{}}
	for _, t := range tasks {
		l.under[t.Lender.ID] = true
	}
	if len(tasks) == 1 {
		l.arm(0) // the others of this object took theirs before
	}
	return l
}

// arm sets when who is on the way still is late: how long the first took decides. Where
// none is through yet it is our own line.
func (l *latecomers) arm(first time.Duration) {
	if l.timer == nil {
		l.timer = time.NewTimer(max(l.s.room.pool.lateLeast, lateTimes*first) - first)
	}
}

// next waits for the next shard to get to its end.
func (l *latecomers) next(ctx context.Context, ends <-chan given) given {
	for {
		var due <-chan time.Time
		if l.timer != nil {
			due = l.timer.C
		}
		select {
		case g := <-ends:
			delete(l.under, g.member)
			if g.placement != nil && len(l.over) == 0 {
				l.s.room.pool.inTime(ctx, g.member)
				l.arm(l.s.room.n.Now().Sub(l.began))
			}
			return g
		case <-due:
			l.mark(ctx)
		}
	}
}

// mark notes who is late, and lets other objects go on.
func (l *latecomers) mark(ctx context.Context) {
	few := true
	for id := range l.under {
		n, over := l.s.room.pool.drags(ctx, id)
		l.over = append(l.over, over)
		few = few && n <= lateEach
	}
	if l.s.leave != nil && (few || l.s.o.State != Waiting) {
		l.s.leave()
	}
}

func (l *latecomers) end() {
	if l.timer != nil {
		l.timer.Stop()
	}
	for _, over := range l.over {
		over()
	}
}

// drags notes that a member is late with a shard, until over is called, and answers with
// how many it is.
func (p *pool) drags(ctx context.Context, id core.MemberID) (n int, over func()) {
	p.noteSlow(id)
	p.mu.Lock()
	p.dragging[id]++
	n = p.dragging[id]
	first := !p.named[id]
	p.named[id] = true
	p.mu.Unlock()
	if first {
		p.log.Warn("a member takes what it is sent much more slowly than the others", "member", id)
		t := Trouble{Member: id, Kind: troubleSlow, Detail: fmt.Sprintf("%d shards late", n), Last: core.At(p.n.Now())}
		p.logged(p.store.addTrouble(context.WithoutCancel(ctx), t))
	}
	return n, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dragging[id]--
	}
}

// inTime notes that a member took a shard when the others did.
func (p *pool) inTime(ctx context.Context, id core.MemberID) {
	p.mu.Lock()
	named, known := p.named[id]
	p.named[id] = false
	p.mu.Unlock()
	if named || !known { // an earlier process may have named it
		p.logged(p.store.endTrouble(context.WithoutCancel(ctx), id, troubleSlow, core.At(p.n.Now())))
	}
}

// quick leaves out the candidates that are late with as many shards as may be.
func (p *pool) quick(all []shard.Candidate) []shard.Candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []shard.Candidate
	for _, c := range all {
		if p.dragging[c.ID] < lateEach {
			out = append(out, c)
		}
	}
	return out
}
