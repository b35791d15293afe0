package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"entrechat/internal/room/watch/look"
)

const (
	maxLine  = 4 << 10 // bytes of one line
	maxLines = 100     // lines of one answer
)

// talk is a conversation in lines over one connection.
type talk struct {
	c  net.Conn
	in *bufio.Reader
}

func newTalk(c net.Conn) *talk {
	return &talk{c: c, in: bufio.NewReaderSize(c, maxLine)}
}

// line reads one line, without its end.
func (t *talk) line() (string, error) {
	b, err := t.in.ReadSlice('\n')
	switch {
	case err == nil:
		return strings.TrimRight(string(b), "\r\n"), nil
	case errors.Is(err, bufio.ErrBufferFull):
		return "", look.Fail(look.Content, "a line of more than %d bytes", maxLine)
	case errors.Is(err, io.EOF) && len(b) > 0:
		return "", io.ErrUnexpectedEOF
	}
	return "", err
}

// say sends one line.
func (t *talk) say(format string, args ...any) error {
	_, err := fmt.Fprintf(t.c, format+"\r\n", args...)
	return err
}

// open connects, with TLS from the first byte where that port is known for it. The host is
// whose name the certificate must have.
func open(ctx context.Context, a *look.Attempt, address, tlsPort string) (t *talk, host string, secure bool, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", false, look.Fail(look.Blocked, "%.80q is not host:port", address)
	}
	c, err := a.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, "", false, err
	}
	if port != tlsPort {
		return newTalk(c), host, false, nil
	}
	s, err := a.Handshake(ctx, c, host)
	if err != nil {
		return nil, "", false, err
	}
	return newTalk(s), host, true, nil
}

// secure goes on over TLS. What the server said before, in the clear, is forgotten.
func (t *talk) secure(ctx context.Context, a *look.Attempt, host string) error {
	s, err := a.Handshake(ctx, t.c, host)
	if err != nil {
		return err
	}
	t.c, t.in = s, bufio.NewReaderSize(s, maxLine)
	return nil
}

// first notes how long the greeting took, and checks what is expected of it.
func first(a *look.Attempt, begun time.Time, greeting, text, absent string) error {
	a.First(a.Now().Sub(begun))
	if text != "" && !strings.Contains(greeting, text) {
		return look.Fail(look.Content, "the greeting is %q", greeting)
	}
	if absent != "" && strings.Contains(greeting, absent) {
		return look.Fail(look.Content, "in the greeting stands what must not: %q", greeting)
	}
	return nil
}
