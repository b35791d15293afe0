package peer

import (
	"container/list"
	"context"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// Room is how many connections the process has room for. What is left of its file
// descriptors is for the database, files, and calls to members.
type Room struct{ Public, Tools int }

// RoomFor divides a limit of open files. Even the smallest keeps both listeners
// alive; far above a thousand more would cost memory only.
func RoomFor(descriptors uint64) Room {
	n := int(min(descriptors, 1<<20))
	return Room{Public: min(max(n*2/5, 32), 1024), Tools: min(max(n/8, 8), 256)}
}

// Descriptors is how many files this process may have open.
func Descriptors() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // what most systems give
	}
	return limit.Cur
}

// Bounded is a listener with at most so many connections. It never stops accepting:
// for a new one, the connection goes that has been without an admitted request for
// longest, be it idle or still sending its first lines.
func Bounded(l net.Listener, most int) net.Listener {
	return &bounded{Listener: l, most: most, free: list.New()}
}

type bounded struct {
	net.Listener
	most int

	mu   sync.Mutex
	open int
	free *list.List // of *line, the longest free first
}

// line is one connection of a bounded listener.
type line struct {
	net.Conn
	of   *bounded
	at   *list.Element // in of.free; nil while a request is admitted, or closed
	gone bool
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &line{Conn: conn, of: b}
	b.mu.Lock()
	b.open++
	c.at = b.free.PushBack(c)
	var oldest *line
	if b.open > b.most {
		oldest = b.free.Front().Value.(*line) //nolint:forcetypeassert,errcheck // nothing else is in it, and c is
	}
	b.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close() // its server notices
	}
	return c, nil
}

// Close implements net.Conn.
func (c *line) Close() error {
	c.of.mu.Lock()
	if !c.gone {
		c.gone = true
		c.of.open--
		c.leave()
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (c *line) leave() {
	if c.at != nil {
		c.of.free.Remove(c.at)
		c.at = nil
	}
}

// hold keeps the connection of an admitted request open.
func hold(conn net.Conn) {
	if c, ok := conn.(*line); ok {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.leave()
	}
}

// release ends hold.
func release(conn net.Conn) {
	if c, ok := conn.(*line); ok {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		if !c.gone && c.at == nil {
			c.at = c.of.free.PushBack(c)
		}
	}
}

type lineKey struct{}

// connOf is the connection a request came by, nil when a test made it up.
func connOf(r *http.Request) net.Conn {
	conn, _ := r.Context().Value(lineKey{}).(net.Conn)
	return conn
}

// NewServer is an http.Server with bounds on everything a stranger can stretch
// before a Handler takes over. Bodies and answers have no bound in time here: a
// Handler asks for progress instead.
func NewServer(address string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: address, Handler: h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if secure, ok := c.(interface{ NetConn() net.Conn }); ok {
				c = secure.NetConn()
			}
			return context.WithValue(ctx, lineKey{}, c)
		},
	}
}

// LogTo has a server write to a log what it meets on its connections. Nobody's address
// is written down.
func LogTo(s *http.Server, to *slog.Logger) {
	s.ErrorLog = slog.NewLogLogger(anonymous{to.Handler()}, slog.LevelDebug)
}

type anonymous struct{ slog.Handler }

// addresses are how net/http names who was at the other end.
var addresses = regexp.MustCompile(`(from|serving) \S+:`)

// Handle implements slog.Handler.
func (a anonymous) Handle(ctx context.Context, r slog.Record) error {
	r.Message = addresses.ReplaceAllString(r.Message, "$1 somebody:")
	return a.Handler.Handle(ctx, r)
}
