package vault

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
)

const (
	// spoolPatience is how long a file waits for room on the shelf. restic calls a
	// request stuck after five minutes without a byte.
	spoolPatience = 2 * time.Minute
	// spoolDrain is how long what lies on the shelf may take to leave it, so that
	// the snapshot behind it is answered before restic gives up.
	spoolDrain = 4 * time.Minute
	// spoolFloor is always allowed, in bytes, however slow the members are.
	spoolFloor = 512 << 20
)

// signal wakes everybody who waits for something to change.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// next is closed by the next broadcast. Take it before looking at what may change.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// spool bounds what waits on our disk for the members: never more than max, and
// no more than leaves within spoolDrain at the rate measured, because what restic
// has sent is only worth its acknowledgement when the snapshot gets through.
type spool struct {
	max int64
	now func() time.Time
	// patience is how long a file waits for room; spoolPatience but in tests.
	patience time.Duration
	mu       sync.Mutex
	used     int64 // bytes on the shelf and promised to files on their way in
	moved    time.Time
	bytes    float64 // sent, and the seconds it took, both fading
	seconds  float64
	changed  signal
}

// limit is how many bytes may lie on the shelf now.
func (s *spool) limit() int64 {
	if s.seconds < 1 {
		return s.max
	}
	fits := int64(s.bytes / s.seconds * spoolDrain.Seconds())
	return min(s.max, max(fits, spoolFloor))
}

// enter promises n bytes of the shelf to a file, waiting for room. done takes the
// promise back; what then lies on the shelf is told with add. Returns CodeFull
// for what never fits and when nothing has left the shelf while we waited,
// CodeUnsure when it only goes slowly.
func (s *spool) enter(ctx context.Context, n int64) (done func(), err error) {
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
		changed := s.changed.next()
		if s.reserve(n) {
			return func() { s.add(-n) }, nil
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

func (s *spool) reserve(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used > 0 && s.used+n > s.limit() {
		return false
	}
	s.used += n
	return true
}

func (s *spool) refusal(began time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved.After(began) {
		return core.Unsure("vault.spool_slow", fmt.Errorf("%d bytes wait, they leave too slowly", s.used)).With("Used", core.Size(s.used))
	}
	return core.Full("vault.spool_full", fmt.Errorf("%d bytes wait and nothing leaves", s.used)).With("Used", core.Size(s.used))
}

// add counts bytes that came (or with a minus, left).
func (s *spool) add(n int64) {
	s.mu.Lock()
	s.used = max(s.used+n, 0)
	s.mu.Unlock()
	if n < 0 {
		s.changed.broadcast()
	}
}

// reset sets what the catalogue says lies on the shelf.
func (s *spool) reset(used int64) {
	s.mu.Lock()
	s.used = used
	s.mu.Unlock()
	s.changed.broadcast()
}

// sent notes that an object of n bytes has left, begun at since: the rate is
// taken over the time in which anything was on its way, older samples fading.
func (s *spool) sent(n int64, since time.Time) {
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
