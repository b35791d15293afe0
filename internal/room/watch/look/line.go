package look

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"entrechat/internal/room/watch/target"
)

// settle is how long a port that need not say anything may take to cut the connection
// that it accepted.
const settle = 300 * time.Millisecond

// line looks at a port that answers.
func line(ctx context.Context, a *Attempt, t target.Target) error {
	c, err := a.Dial(ctx, "tcp", t.Address)
	if err != nil {
		return err
	}
	return banner(ctx, a, c, t.Expect)
}

// handshake looks at a port that speaks TLS.
func handshake(ctx context.Context, a *Attempt, t target.Target) error {
	host, _, err := net.SplitHostPort(t.Address)
	if err != nil {
		return Fail(Blocked, "%.80q is not host:port", t.Address)
	}
	c, err := a.Dial(ctx, "tcp", t.Address)
	if err != nil {
		return err
	}
	s, err := a.Handshake(ctx, c, host)
	if err != nil {
		return err
	}
	return banner(ctx, a, s, t.Expect)
}

// banner reads the first line when one is expected. When none is, a server that cuts what
// it accepted is found out all the same.
func banner(ctx context.Context, a *Attempt, c net.Conn, e target.Expect) error {
	begun := a.now()
	if e.Text == "" && e.Absent == "" {
		enough := time.AfterFunc(settle, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) }) // an error: it is closed already
		defer enough.Stop()
		_, err := c.Read(make([]byte, 1))
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			return nil
		}
		a.First(a.since(begun))
		return err
	}
	text, err := bufio.NewReader(io.LimitReader(c, 1024)).ReadString('\n')
	if text == "" && err != nil {
		return err
	}
	a.First(a.since(begun))
	if !strings.Contains(text, e.Text) {
		return Fail(Content, "the first line is %q", strings.TrimSpace(text))
	}
	if e.Absent != "" && strings.Contains(text, e.Absent) {
		return Fail(Content, "in the first line stands what must not: %q", strings.TrimSpace(text))
	}
	return nil
}
