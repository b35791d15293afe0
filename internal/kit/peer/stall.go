package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"entrechat/internal/core"
)

// The rule by which another member is waited for, on both sides of a connection: at
// least progress bytes come, or are taken, within patience of waiting. 16 MiB on a slow
// line live, for hours if need be; what drips is cut. Time in which it is our turn does
// not count, so a slow disk never cuts a transfer.
const (
	progress = 16 << 10
	patience = 30 * time.Second
)

// errStalled ends an exchange in which the other side does too little.
var errStalled = errors.New("no progress")

// pace is what is left of the patience with the other side.
type pace struct {
	left time.Duration // for the current progress
	got  int64         // bytes since it was renewed
}

func newPace() pace { return pace{left: patience} }

// spend notes that a wait brought n bytes. False: the other side is too slow.
func (p *pace) spend(waited time.Duration, n int64) bool {
	p.left -= waited
	if p.got += n; p.got >= progress {
		*p = newPace()
	}
	return p.left > 0
}

// stall watches one exchange from the side that asked: it cancels its context when the
// other side is too slow. Until the answer begins the first patience is that of the request.
type stall struct {
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	pace     pace
	first    time.Duration // patience before the answer
	since    time.Time     // when the wait began; zero = it is our turn
	timer    *time.Timer
	total    *time.Timer // nil = no end while the other side gets on
	answered bool
}

// watch begins with a wait for the other side: to connect. total 0 = no bound.
func watch(ctx context.Context, first, total time.Duration) (context.Context, *stall) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &stall{cancel: cancel, first: first, pace: pace{left: first}, since: time.Now()}
	s.timer = time.AfterFunc(first, s.expire)
	if total > 0 {
		s.total = time.AfterFunc(total, func() { cancel(fmt.Errorf("%w: not through after %s", errStalled, total)) })
	}
	return ctx, s
}

func (s *stall) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel(fmt.Errorf("%w: %d bytes while we waited", errStalled, s.pace.got))
}

// waiting begins a wait for the other side to send.
func (s *stall) waiting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
}

func (s *stall) begin() {
	s.since = time.Now()
	s.timer.Reset(max(s.pace.left, 0))
}

// working ends a wait that brought n bytes: it is our turn.
func (s *stall) working(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(n)
}

func (s *stall) stop(n int) {
	s.timer.Stop()
	if s.since.IsZero() {
		return
	}
	// What expired meanwhile is cancelled; what is nearly so expires at the next wait.
	s.pace.spend(time.Since(s.since), int64(n))
	s.since = time.Time{}
}

// taking begins a wait for the other side to take n bytes, or to answer when there
// are none left. After the answer nobody cares what net/http still reads of a body.
func (s *stall) taking(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered {
		return
	}
	if s.pace.got += int64(n); s.pace.got >= progress || n == 0 {
		s.pace = pace{left: s.first}
	}
	s.begin()
}

// answer ends the wait for an answer; its body has patience of its own.
func (s *stall) answer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(0)
	s.answered, s.pace = true, newPace()
}

func (s *stall) end() {
	s.answer()
	if s.total != nil {
		s.total.Stop()
	}
	s.cancel(nil)
}

// upload is a request's body: while it is read the other side is not to blame.
type upload struct {
	io.Reader
	stall *stall
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.stall.working(0)
	n, err := u.Reader.Read(p)
	u.stall.taking(n)
	return n, err
}

// Close implements io.Closer; what was given to read belongs to the caller.
func (*upload) Close() error { return nil }

// download is an answer's body. Past its limit it fails instead of ending short.
type download struct {
	body  io.ReadCloser
	stall *stall
	ctx   context.Context //nolint:containedctx // knows why reading ended
	from  core.MemberID
	left  int64
}

// Read implements io.Reader. Returns CodeUnsure when the answer breaks off, stalls
// or is longer than allowed.
func (d *download) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	// One byte more than allowed tells an answer too long from one that just fits.
	p = p[:min(int64(len(p)), d.left+1)]
	d.stall.waiting()
	n, err := d.body.Read(p)
	d.stall.working(n)
	if d.left -= int64(n); d.left < 0 {
		d.left = 0
		return 0, core.Unsure("peer.answer_too_long", fmt.Errorf("answer of %s is longer than allowed", d.from)).With("Member", d.from)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = unreachable(d.from, fmt.Errorf("read answer: %w", because(d.ctx, err)))
	}
	return n, err
}

// Close implements io.Closer.
func (d *download) Close() error {
	d.stall.end()
	return d.body.Close()
}

// because is err, or why the context it broke on ended.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

func unreachable(member core.MemberID, err error) error {
	return core.Unsure("peer.unreachable", err).With("Member", member)
}
