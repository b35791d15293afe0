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

// errStalled ends an exchange in which the other side does nothing.
var errStalled = errors.New("no progress")

// stall watches one exchange: it ends when we wait on the network for longer than
// its patience. Time the caller's own reader or writer takes does not count, so a
// slow disk never cuts a transfer, and a transfer that gets on may last for hours.
type stall struct {
	patience time.Duration
	cancel   context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer
	answered bool
}

func watch(ctx context.Context, patience time.Duration) (context.Context, *stall) {
	ctx, cancel := context.WithCancelCause(ctx)
	expire := func() { cancel(fmt.Errorf("%w for %s", errStalled, patience)) }
	return ctx, &stall{patience: patience, cancel: cancel, timer: time.AfterFunc(patience, expire)}
}

// waiting begins a wait for the other side to send.
func (s *stall) waiting() { s.timer.Reset(s.patience) }

// working ends a wait: it is the caller's turn.
func (s *stall) working() { s.timer.Stop() }

// taking begins a wait for the other side to take, unless it has answered: what
// net/http reads of a body after that is of no interest to anybody.
func (s *stall) taking() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answered {
		s.waiting()
	}
}

// answer ends the wait for an answer.
func (s *stall) answer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered = true
	s.working()
}

func (s *stall) end() {
	s.answer()
	s.cancel(nil)
}

// upload is a request's body: while it is read the other side is not to blame.
type upload struct {
	io.Reader
	stall *stall
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.stall.working()
	defer u.stall.taking()
	return u.Reader.Read(p)
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
	d.stall.working()
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
