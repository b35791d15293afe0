package peer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// dialer is how the client reaches an address. Addresses come from strangers'
// documents, so unless Private the guard looks at what a name resolved to, at
// each dial: a name that changes its mind does not help.
func (n Needs) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	if n.Dial != nil {
		return n.Dial
	}
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !n.Private {
		addresses := ssrf.New(ssrf.WithAnyPort())
		d.Control = func(network, address string, c syscall.RawConn) error {
			if err := webPort(address); err != nil {
				return err
			}
			return addresses.Safe(network, address, c)
		}
	}
	return d.DialContext
}

// webPort lets a member stand on 80, 443 or an unprivileged port. Below 1024 are
// the mail, name and login services that a crafted request could be meant for.
func webPort(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %.80q: %w", address, err)
	}
	if p := at.Port(); p < 1024 && p != 80 && p != 443 {
		return fmt.Errorf("dial %s: port %d is not a web server's", address, p)
	}
	return nil
}
