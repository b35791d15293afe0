package peer

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type clientKey struct{}

// ClientOf is the network that a request for a page counts for: one IPv4 address, or 64 bits
// of IPv6. It is zero where all that is known is a proxy's, and outside such a request.
func ClientOf(ctx context.Context) netip.Prefix {
	p, _ := ctx.Value(clientKey{}).(netip.Prefix)
	return p
}

// client is the address a request counts for: that of the connection, or what a
// proxy in front of us says. A visitor with IPv6 counts by its network of 64 bits.
// It is zero, and counted with nobody, when all we know is a proxy's.
func client(r *http.Request, proxies []netip.Prefix) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap()
	if trusted(addr, proxies) {
		addr = forwarded(r.Header.Values("X-Forwarded-For"), proxies)
	}
	// A proxy nobody told us of, such as a container's gateway.
	if !addr.IsValid() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return netip.Prefix{}
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// ClientNetwork is where a visitor's request comes from, as wide as one household or one
// small company: /24, or /48 of IPv6. It is for pages that count requests in memory. It is
// zero, to be counted with nobody, when all we know is a proxy's address. Outside of a page's
// request only the proxy on our own machine is believed.
func ClientNetwork(r *http.Request) netip.Prefix {
	p, ok := r.Context().Value(clientKey{}).(netip.Prefix)
	if !ok {
		p = client(r, nil)
	}
	if !p.IsValid() {
		return p
	}
	bits := 24
	if p.Addr().Is6() {
		bits = 48
	}
	return netip.PrefixFrom(p.Addr(), bits).Masked()
}

// forwarded is the last address in X-Forwarded-For that is no proxy of ours: what
// stands before it was written by the visitor.
func forwarded(lines []string, proxies []netip.Prefix) netip.Addr {
	all := strings.Split(strings.Join(lines, ","), ",")
	for _, text := range slices.Backward(all) {
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			return netip.Addr{}
		}
		if addr = addr.Unmap(); !trusted(addr, proxies) {
			return addr
		}
	}
	return netip.Addr{}
}

func trusted(addr netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return addr.IsLoopback()
}
