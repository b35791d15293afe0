package look

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Attempt is one attempt at a look: it opens the connections of its probe, bounds them, and
// notes how long their parts took. Made by Look; safe for concurrent use.
type Attempt struct {
	l        *Looker
	own      bool // our own target: no guard
	insecure bool // any certificate will do
	turn     int  // 0 = the first attempt, 1 = the second

	mu     sync.Mutex
	family int  // 4 or 6 where both are there; 0 = not settled
	both   bool // the first name had addresses of both families that we have a way to
	tls    bool // TLS takes part in what is read
	r      Result
	conns  []*bounded
}

// Again says whether this is the second attempt of its look.
func (a *Attempt) Again() bool { return a.turn > 0 }

// Agent is what our HTTP requests call us.
func (a *Attempt) Agent() string { return a.l.n.Agent }

// Software notes what a server says it runs.
func (a *Attempt) Software(name, version string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r.Software, a.r.Version = clip(name, 60), clip(version, 60)
}

// First notes how long the first byte of an answer took.
func (a *Attempt) First(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r.First += d
}

// status notes what a web server answered.
func (a *Attempt) status(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r.Status = code
}

func (a *Attempt) now() time.Time { return a.l.n.Now() }

func (a *Attempt) since(t time.Time) time.Duration { return a.now().Sub(t) }

// Resolver is the one for names that a probe asks for itself, as those of SRV records.
func (a *Attempt) Resolver() *net.Resolver {
	if r := a.l.n.Resolver; r != nil {
		return r
	}
	return net.DefaultResolver
}

// other is the family of the next attempt.
func (a *Attempt) other() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.both:
		return 0
	case a.family == 6:
		return 4
	}
	return 6
}

// Dial connects to host:port over "tcp" or "udp", guarded unless the target is our own.
// The connection ends with ctx and with the attempt, and gives at most MaxRead bytes (a
// little more when TLS takes part).
func (a *Attempt) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if a.l.n.Dial != nil {
		begun := a.now()
		c, err := a.l.n.Dial(ctx, network, address)
		return a.opened(ctx, c, err, a.since(begun))
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, Fail(Blocked, "%.80q is not host:port", address)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, Fail(Blocked, "%.20q is not a port", port)
	}
	ips, err := a.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	to := netip.AddrPortFrom(a.choose(ips, uint16(number)), uint16(number))
	d := net.Dialer{KeepAlive: -1}
	if !a.own {
		d.Control = a.l.guard.control
		if turn := a.l.n.Network; turn != nil {
			if err := turn(ctx, to.Addr()); err != nil {
				return nil, Fail(Unfit, "%s: %v", to.Addr(), err)
			}
		}
	}
	begun := a.now()
	c, err := d.DialContext(ctx, network, to.String())
	if err != nil && noRoute(err) && !routable(to) {
		err = Fail(Unfit, "this machine has no way to %s", to.Addr())
	}
	return a.opened(ctx, c, err, a.since(begun))
}

// resolve asks for the addresses of a name.
func (a *Attempt) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	begun := a.now()
	ips, err := lookup(ctx, a, host)
	a.mu.Lock()
	a.r.DNS += a.since(begun)
	a.mu.Unlock()
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}

// lookup asks the resolver. When it has no answer, not even that there is no such name, it
// is asked for what everybody knows: a resolver that is down or cut off is our own trouble.
func lookup(ctx context.Context, a *Attempt, host string) ([]netip.Addr, error) {
	within := ctx
	if end, ok := ctx.Deadline(); ok {
		part, cancel := context.WithTimeout(ctx, end.Sub(a.now())*6/10) // leaves some for the second question
		defer cancel()
		within = part
	}
	ips, err := a.Resolver().LookupNetIP(within, "ip", host)
	if err == nil && len(ips) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	if err == nil || notFound(err) || ctx.Err() != nil {
		return ips, err
	}
	if _, root := a.Resolver().LookupNS(ctx, "."); root != nil && !notFound(root) && ctx.Err() == nil {
		return nil, Fail(Unfit, "our resolver does not answer: %v", root)
	}
	return nil, err
}

func notFound(err error) bool {
	name, ok := errors.AsType[*net.DNSError](err)
	return ok && name.IsNotFound
}

// choose takes one of a name's addresses: of the attempt's family where there is one, and
// in the second attempt another one than in the first.
func (a *Attempt) choose(ips []netip.Addr, port uint16) netip.Addr {
	var by [2][]netip.Addr
	for _, ip := range ips {
		by[of(ip)] = append(by[of(ip)], ip)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.family == 0 && len(by[0]) > 0 && len(by[1]) > 0 {
		four, six := routable(netip.AddrPortFrom(by[0][0], port)), routable(netip.AddrPortFrom(by[1][0], port))
		a.both = four && six
		switch {
		case a.both && a.l.six(), six && !four:
			a.family = 6
		default:
			a.family = 4
		}
	}
	list := ips
	switch {
	case a.family == 4 && len(by[0]) > 0:
		list = by[0]
	case a.family == 6 && len(by[1]) > 0:
		list = by[1]
	}
	ip := list[a.turn%len(list)]
	a.r.Family = 4 + 2*of(ip)
	return ip
}

// Address settles which address of a host a probe calls that opens its connection itself;
// the guard stands here. Returns a ClassError of class Blocked.
func (a *Attempt) Address(ctx context.Context, host string) (netip.Addr, error) {
	ips, err := a.resolve(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	ip := a.choose(ips, 9)
	if a.own {
		return ip, nil
	}
	return ip, a.l.guard.allows(ip)
}

// of is 0 for an IPv4 address, 1 for an IPv6 one.
func of(ip netip.Addr) int {
	if ip.Is4() {
		return 0
	}
	return 1
}

// routable says whether this machine has a way to an address; nothing is sent.
func routable(to netip.AddrPort) bool {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return !noRoute(err)
	}
	return c.Close() == nil
}

func noRoute(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// opened bounds a new connection.
func (a *Attempt) opened(ctx context.Context, c net.Conn, err error, took time.Duration) (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r.Connect += took
	if err != nil {
		return nil, err
	}
	if at, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		a.r.Family = 4 + 2*of(at.Addr().Unmap())
	}
	if end, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(end); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	b := &bounded{Conn: c, a: a}
	b.stop = context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // an error: it is closed already
	a.conns = append(a.conns, b)
	return b, nil
}

// close ends what the attempt opened.
func (a *Attempt) close() {
	a.mu.Lock()
	conns := a.conns
	a.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // a second close is no trouble
	}
}

// What TLS may add to an answer of MaxRead: the handshake and the frames.
const overhead = 96 << 10

// errLong is read at the end of what is read of an answer.
var errLong = errors.New("longer than is read of an answer")

// bounded is a connection of which no more than the bound is read.
type bounded struct {
	net.Conn

	a    *Attempt
	stop func() bool
	read int
}

// Read is that of net.Conn, and errLong at the bound.
func (b *bounded) Read(p []byte) (int, error) {
	most := MaxRead
	if b.a.withTLS() {
		most += overhead
	}
	if b.read >= most {
		return 0, errLong
	}
	n, err := b.Conn.Read(p[:min(len(p), most-b.read)])
	b.read += n
	return n, err
}

// Close is that of net.Conn.
func (b *bounded) Close() error {
	b.stop()
	return b.Conn.Close()
}

func (a *Attempt) withTLS() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tls
}
