package sim

import (
	"context"
	"errors"
	"net"
	"sync"
)

// network carries connections between nodes by name and decides who reaches whom.
type network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	// cut says whether from reaches to now.
	cut func(from, to string) bool
}

// listener is a node's: dialled pipes come out of Accept.
type listener struct {
	name    string
	arrived chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (n *network) listen(name string) *listener {
	d := &listener{name: name, arrived: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[name] = d
	return d
}

func (d *listener) Accept() (net.Conn, error) {
	select {
	case c := <-d.arrived:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *listener) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (d *listener) Addr() net.Addr { return address(d.name) }

type address string

func (a address) Network() string { return "pipe" }
func (a address) String() string  { return string(a) }

var errUnreachable = errors.New("unreachable")

// dialer is what the node called from uses to reach others; route may send it to
// another listener than the name says, as a liar with two faces would.
func (n *network) dialer(from string, route func(to string) string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		d := n.listeners[route(host)]
		n.mu.Unlock()
		if d == nil || n.cut(from, host) {
			return nil, errUnreachable
		}
		ours, theirs := net.Pipe()
		select {
		case d.arrived <- theirs:
			return ours, nil
		case <-d.closed:
			return nil, errUnreachable
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
