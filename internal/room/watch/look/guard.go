package look

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// guard says which addresses are called for other members.
type guard struct {
	private bool
	now     func() time.Time
	special *ssrf.Guardian
	own     []netip.Prefix

	mu   sync.Mutex
	here []netip.Addr // this machine's addresses
	read time.Time    // when here was read
}

func newGuard(n Needs) *guard {
	return &guard{
		private: n.Private, now: n.Now, own: slices.Clone(n.OwnPrefixes),
		special: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork()),
	}
}

// control is for net.Dialer: it sees the address that is dialed, whatever the name said
// before.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return Fail(Blocked, "%.80q is no address", address)
	}
	return g.allows(to.Addr())
}

// allows returns a ClassError of class Blocked for an address that is not called.
func (g *guard) allows(ip netip.Addr) error {
	if g.private {
		return nil
	}
	if err := g.special.SafeAddr(ip); err != nil {
		return Fail(Blocked, "%s is an address of a private or special network", ip)
	}
	if slices.ContainsFunc(g.own, func(p netip.Prefix) bool { return p.Contains(ip) }) || slices.Contains(g.machine(), ip) {
		return Fail(Blocked, "%s is our own", ip)
	}
	return nil
}

// machine are the addresses of this machine, read once a minute.
func (g *guard) machine() []netip.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.now(); g.read.IsZero() || now.Sub(g.read) > time.Minute {
		if all, err := net.InterfaceAddrs(); err == nil {
			g.here, g.read = g.here[:0], now
			for _, a := range all {
				if p, err := netip.ParsePrefix(a.String()); err == nil {
					g.here = append(g.here, p.Addr())
				}
			}
		}
	}
	return slices.Clone(g.here)
}

// WebPort returns a ClassError of class Blocked for a port where no web server stands: below
// 1024 are the mail, name and login services that a crafted request could be meant for.
func WebPort(port uint16) error {
	if port == 80 || port == 443 || port >= 1024 {
		return nil
	}
	return Fail(Blocked, "port %d is not a web server's", port)
}
