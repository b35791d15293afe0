package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
)

const (
	// Patience is how long a file waits for room on this disk. restic calls a
	// request stuck after five minutes without a byte.
	Patience = 2 * time.Minute
	// drain is how long what waits on this disk may take to leave it, so that
	// the snapshot behind it is answered before restic gives up.
	drain = 4 * time.Minute
	// least is always allowed, in bytes, however slow the members are.
	least = 512 << 20
)

// Spool bounds what waits on our disk for the members: never more than max, and
// no more than leaves within drain at the rate measured, because what restic
// has sent is only worth its acknowledgement when the snapshot gets through.
type Spool struct {
	now func() time.Time

	mu       sync.Mutex
	max      int64
	patience time.Duration
	used     int64 // bytes that wait, and promised to files on their way in
	moved    time.Time
	bytes    float64 // sent, and the seconds it took, both fading
	seconds  float64
	changed  Signal
}

// NewSpool makes one of at most limit bytes, in which a file waits for room as long as patience.
func NewSpool(limit int64, patience time.Duration, now func() time.Time) *Spool {
	return &Spool{max: limit, patience: patience, now: now}
}

// SetBounds changes them.
func (s *Spool) SetBounds(limit int64, patience time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.max, s.patience = limit, patience
}

// Used is how many bytes wait, or are promised.
func (s *Spool) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// limit is how many bytes may wait now.
func (s *Spool) limit() int64 {
	if s.seconds < 1 {
		return s.max
	}
	fits := int64(s.bytes / s.seconds * drain.Seconds())
	return min(s.max, max(fits, least))
}

// Enter promises n bytes to a file, waiting for room. done takes the
// promise back; what then waits is told with Add. Returns CodeFull
// for what never fits and when nothing has left while we waited,
// CodeUnsure when it only goes slowly.
func (s *Spool) Enter(ctx context.Context, n int64) (done func(), err error) {
	began := s.now()
	s.mu.Lock()
	most, timeout := s.max, time.NewTimer(s.patience)
	s.mu.Unlock()
	defer timeout.Stop()
	if n > most {
		return nil, core.Full("vault.spool_small", fmt.Errorf("%d bytes of at most %d", n, most)).
			With("Size", core.Size(n)).With("Max", core.Size(most))
	}
	for {
		changed := s.changed.Next()
		if s.reserve(n) {
			return func() { s.Add(-n) }, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout.C:
			return nil, s.refusal(began)
		}
	}
}

func (s *Spool) reserve(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used > 0 && s.used+n > s.limit() {
		return false
	}
	s.used += n
	return true
}

func (s *Spool) refusal(began time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved.After(began) {
		return core.Unsure("vault.spool_slow", fmt.Errorf("%d bytes wait, they leave too slowly", s.used)).With("Used", core.Size(s.used))
	}
	return core.Full("vault.spool_full", fmt.Errorf("%d bytes wait and nothing leaves", s.used)).With("Used", core.Size(s.used))
}

// Add counts bytes that came (or with a minus, left).
func (s *Spool) Add(n int64) {
	s.mu.Lock()
	s.used = max(s.used+n, 0)
	s.mu.Unlock()
	if n < 0 {
		s.changed.Broadcast()
	}
}

// Reset sets what the catalogue says waits.
func (s *Spool) Reset(used int64) {
	s.mu.Lock()
	s.used = used
	s.mu.Unlock()
	s.changed.Broadcast()
}

// Sent notes that an object of n bytes has left, begun at since: the rate is
// taken over the time in which anything was on its way, older samples fading.
func (s *Spool) Sent(n int64, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const fade = 0.97
	now := s.now()
	if since.Before(s.moved) {
		since = s.moved
	}
	s.bytes = s.bytes*fade + float64(n)
	s.seconds = s.seconds*fade + now.Sub(since).Seconds()
	s.moved = now
}
