package shipping

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/pool"
)

// A member that takes what it is sent much more slowly than the others, by its line or
// by its will, holds nobody up: nothing on its way to it is cut off for that, but other objects
// go on beside it, without it where the others suffice, and it is named.
const (
	// LateLeast is how long a shard is on its way before its member can be late, and
	// lateTimes how many times longer than the first of its object.
	LateLeast = 30 * time.Second
	lateTimes = 4
)

// latecomers watches the shards of one object on their way.
type latecomers struct {
	s     *Shipment
	began time.Time
	under map[core.MemberID]*taken // on their way
	best  int64                    // bytes a second, of those that came to their end
	timer *time.Timer              // nil while nobody can be late yet
	over  []func()
}

// taken counts what a member takes of its shard.
type taken struct {
	io.Reader
	bytes atomic.Int64
	late  bool
}

// Read implements io.Reader.
func (t *taken) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.bytes.Add(int64(n))
	return n, err
}

func (s *Shipment) watch(count int) *latecomers {
	l := &latecomers{s: s, began: s.by.Now(), under: map[core.MemberID]*taken{}}
	if count == 1 {
		l.arm(0) // the others of this object took theirs before
	}
	return l
}

// counting is the data on its way to a member.
func (l *latecomers) counting(to core.MemberID, data io.Reader) io.Reader {
	t := &taken{Reader: data}
	l.under[to] = t
	return t
}

// arm sets when who is on the way still may be late: how long the first took decides.
// Where none is through yet it is our own line.
func (l *latecomers) arm(first time.Duration) {
	if l.timer == nil {
		l.timer = time.NewTimer(max(l.s.by.LateLeast, lateTimes*first) - first)
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
			if t := l.under[g.member]; g.placement != nil && !t.late {
				l.best = max(l.best, l.rate(t))
				l.s.by.Pool.Pace.InTime(ctx, g.member)
				l.arm(l.s.by.Now().Sub(l.began))
			}
			delete(l.under, g.member)
			return g
		case <-due:
			l.mark(ctx)
			l.timer.Reset(l.s.by.LateLeast)
		}
	}
}

// rate is how many bytes a second a member took.
func (l *latecomers) rate(t *taken) int64 {
	return t.bytes.Load() * int64(time.Second) / max(int64(l.s.by.Now().Sub(l.began)), 1)
}

// mark notes who is late, and lets other objects go on. Only who is slower than others is
// named: of one alone, and of all, our own line may be the cause.
func (l *latecomers) mark(ctx context.Context) {
	best := l.best
	for _, t := range l.under {
		best = max(best, l.rate(t))
	}
	few, alone := true, l.best == 0 && len(l.under) == 1
	for id, t := range l.under {
		slower := l.rate(t)*lateTimes < best
		if t.late || !slower && !alone {
			continue
		}
		t.late = true
		n, over := l.s.by.Pool.Pace.Late(id)
		l.over = append(l.over, over)
		few = few && n <= pool.LateEach
		if slower {
			l.s.by.Pool.Pace.NameSlow(ctx, id)
		}
	}
	if l.s.leave != nil && len(l.over) > 0 && (few || l.s.Object.State != catalogue.Waiting) {
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
