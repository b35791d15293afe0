package credential

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"entrechat/internal/core"
)

const (
	maxWaiting = 256             // passwords that wait for their turn
	maxWait    = 5 * time.Second // how long one waits
)

// hasher makes and checks hashes, at most 2 x cores at once: what it lends is the memory
// of that many hashes of our own, and a foreign hash that takes more lends more.
type hasher struct {
	cost    Cost
	turns   *semaphore.Weighted
	all     int64
	waiting atomic.Int64
	running atomic.Int64 // comparisons and hashes being made
	most    atomic.Int64 // for tests: the most of them at once
	argons  atomic.Int64 // for tests: hashes of our own cost that were worked out
	refused atomic.Int64 // passwords that did not get their turn
	nobody  argonHash    // what the password of nobody is compared with
}

func newHasher(c Cost) (*hasher, error) {
	c = c.orDefault()
	h := &hasher{cost: c, all: int64(c.MemoryKiB) * int64(2*runtime.NumCPU())}
	h.turns = semaphore.NewWeighted(h.all)
	var err error
	h.nobody, err = nobodys(c)
	return h, err
}

// turn waits for the right to take memory. Returns CodeUnsure "identity.credential.busy".
func (h *hasher) turn(ctx context.Context, memoryKiB int64) (done func(), err error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		h.refused.Add(1)
		return nil, busy(errors.New("too many wait"))
	}
	defer h.waiting.Add(-1)
	waiting, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	memoryKiB = min(memoryKiB, h.all)
	if err := h.turns.Acquire(waiting, memoryKiB); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h.refused.Add(1)
		return nil, busy(err)
	}
	now := h.running.Add(1)
	for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); most = h.most.Load() {
	}
	return func() {
		h.running.Add(-1)
		h.turns.Release(memoryKiB)
	}, nil
}

// Queue is how much hashing there is now, and how many passwords did not get their turn since
// the process began.
type Queue struct{ Running, Waiting, Refused int64 }

// Queue says how much hashing there is.
func (s *Service) Queue() Queue {
	h := s.hasher
	return Queue{h.running.Load(), h.waiting.Load(), h.refused.Load()}
}

func busy(err error) error { return core.Unsure("identity.credential.busy", err) }

// hash makes a hash of our own.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx, int64(h.cost.MemoryKiB))
	if err != nil {
		return "", err
	}
	defer done()
	h.argons.Add(1)
	return newArgon([]byte(norm.NFC.String(password)), h.cost), nil
}

// own says whether a hash is as we would make it now.
func (h *hasher) own(stored hashed) bool {
	a, ok := stored.(argonHash)
	return ok && a.id && a.cost == h.cost
}

// check compares. Whatever is stored, and if nothing is, a wrong password takes the work
// of one hash of our own.
func (h *hasher) check(ctx context.Context, stored hashed, password string) (bool, error) {
	need := int64(h.cost.MemoryKiB)
	if stored != nil {
		need = max(need, stored.memoryKiB())
	}
	done, err := h.turn(ctx, need)
	if err != nil {
		return false, err
	}
	defer done()
	if len(password) > 4*MaxPassword {
		password, stored = "", nil // as wrong as any other
	}
	composed := []byte(norm.NFC.String(password))
	if stored != nil && h.own(stored) {
		h.argons.Add(1)
		return stored.match(composed), nil
	}
	if stored != nil && (stored.match([]byte(password)) || string(composed) != password && stored.match(composed)) {
		return true, nil // it is made anew at once: the same work
	}
	h.argons.Add(1)
	_ = h.nobody.match(composed)
	return false, nil
}
