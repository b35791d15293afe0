package vault

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// arenaStep is what requests are rounded up to, so that packs of nearly one size
// share buffers.
const arenaStep = 1 << 20

// arena lends the memory that whole objects need, at most size bytes at a time,
// and keeps returned buffers for the next. A pack costs 24 MiB here (16 MiB and its
// parity), so without a bound five uploads and a restore would be 150 MB.
type arena struct {
	size   int64
	weight *semaphore.Weighted
	mu     sync.Mutex
	idle   [][]byte
	held   int64 // bytes of idle
}

func newArena(size int64) *arena {
	return &arena{size: size, weight: semaphore.NewWeighted(size)}
}

// lease is a lent buffer; free gives it back, once. Its content is what was left
// in it.
type lease struct {
	buf    []byte
	arena  *arena
	weight int64
}

// take waits for a buffer of n bytes. One that is larger than the whole arena is
// lent when nothing else is.
func (a *arena) take(ctx context.Context, n int64) (*lease, error) {
	n = (n + arenaStep - 1) / arenaStep * arenaStep
	weight := min(n, a.size)
	if err := a.weight.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return &lease{buf: a.reuse(n), arena: a, weight: weight}, nil
}

// reuse finds an idle buffer that fits or makes one, dropping idle ones so that
// idle and lent together stay within the arena.
func (a *arena) reuse(n int64) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	best := -1
	for i, b := range a.idle {
		if int64(cap(b)) >= n && (best < 0 || cap(b) < cap(a.idle[best])) {
			best = i
		}
	}
	if best >= 0 && int64(cap(a.idle[best])) <= 2*n {
		return a.remove(best)
	}
	for len(a.idle) > 0 && a.held+n > a.size/2 {
		a.remove(0)
	}
	return make([]byte, n)
}

func (a *arena) remove(i int) []byte {
	b := a.idle[i]
	a.idle = append(a.idle[:i], a.idle[i+1:]...)
	a.held -= int64(cap(b))
	return b[:cap(b)]
}

// free gives the buffer back. Nobody may use it afterwards.
func (l *lease) free() {
	a := l.arena
	a.mu.Lock()
	if int64(cap(l.buf)) <= a.size {
		a.idle = append(a.idle, l.buf)
		a.held += int64(cap(l.buf))
	}
	a.mu.Unlock()
	l.buf = nil
	a.weight.Release(l.weight)
}

// rest forgets idle buffers, for a node that has nothing to do.
func (a *arena) rest() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle, a.held = nil, 0
}
