package look

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/target"
)

// badAddresses are of the special registries of IANA (RFC 6890 and its successors), and
// what leads there under another form.
func badAddresses() map[string]string {
	return map[string]string{
		"this host":                    "0.0.0.0",
		"this network":                 "0.1.2.3",
		"private 10/8":                 "10.0.0.1",
		"private 172.16/12":            "172.31.255.254",
		"private 192.168/16":           "192.168.1.1",
		"carrier-grade NAT":            "100.64.0.1",
		"its end":                      "100.127.255.254",
		"loopback":                     "127.0.0.1",
		"loopback, elsewhere":          "127.8.9.10",
		"link-local":                   "169.254.1.1",
		"metadata of clouds":           "169.254.169.254",
		"IETF protocol assignments":    "192.0.0.1",
		"documentation 1":              "192.0.2.1",
		"documentation 2":              "198.51.100.1",
		"documentation 3":              "203.0.113.1",
		"6to4 relay":                   "192.88.99.1",
		"benchmarks":                   "198.18.0.1",
		"benchmarks, its end":          "198.19.255.254",
		"multicast":                    "224.0.0.251",
		"reserved":                     "240.0.0.1",
		"broadcast":                    "255.255.255.255",
		"unspecified v6":               "::",
		"loopback v6":                  "::1",
		"v4-mapped loopback":           "::ffff:127.0.0.1",
		"v4-mapped private":            "::ffff:10.0.0.1",
		"v4-compatible":                "::127.0.0.1",
		"NAT64 of loopback":            "64:ff9b::7f00:1",
		"NAT64 of a public address":    "64:ff9b::808:808",
		"local NAT64":                  "64:ff9b:1::1",
		"discard":                      "100::1",
		"Teredo":                       "2001::1",
		"ORCHID v2":                    "2001:20::1",
		"benchmarks v6":                "2001:2::1",
		"documentation v6":             "2001:db8::1",
		"documentation v6, the other":  "3fff::1",
		"6to4":                         "2002:7f00:1::",
		"6to4 of a private address":    "2002:a00:1::1",
		"unique local":                 "fd00::1",
		"unique local, other half":     "fc00::1",
		"metadata of clouds v6":        "fd00:ec2::254",
		"link-local v6":                "fe80::1",
		"site-local":                   "fec0::1",
		"multicast v6":                 "ff02::1",
		"segment routing":              "5f00::1",
		"not assigned to anybody":      "4000::1",
		"our own, as the world sees":   "198.41.0.4",
		"our own v6, as the world ...": "2a01:4f8::7",
	}
}

func guarded() *guard {
	return newGuard(Needs{Now: time.Now, OwnPrefixes: []netip.Prefix{netip.MustParsePrefix("198.41.0.4/32"), netip.MustParsePrefix("2a01:4f8::/64")}})
}

func TestGuard(t *testing.T) {
	t.Parallel()
	g := guarded()
	for name, address := range badAddresses() {
		for _, form := range []netip.Addr{netip.MustParseAddr(address), netip.MustParseAddr(address).Unmap()} {
			var why *ClassError
			if err := g.control("tcp", netip.AddrPortFrom(form, 443).String(), nil); !errors.As(err, &why) || why.Class != Blocked {
				t.Errorf("%s %s: %v", name, form, err)
			}
		}
	}
	for _, address := range []string{"8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "198.20.0.1", "223.255.255.1", "2001:4860:4860::8888", "2a01:4f8:1::7", "2606:4700::1111"} {
		if err := g.allows(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	all, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && g.allows(p.Addr()) == nil {
			t.Errorf("%s is this machine's and was let through", p)
		}
	}
	for _, port := range []uint16{0, 1, 22, 25, 53, 110, 143, 445, 465, 587, 993, 1023} {
		if WebPort(port) == nil {
			t.Errorf("port %d", port)
		}
	}
}

// TestGuardStandsBeforeEachKind: whatever the kind, and however an address writes where it
// leads.
func TestGuardStandsBeforeEachKind(t *testing.T) {
	t.Parallel()
	nobody := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	l := New(Needs{Now: time.Now, Self: "chaton-z.test", Resolver: nobody})
	l.pause = time.Millisecond
	for k := range l.kinds {
		for name, address := range badAddresses() {
			if strings.HasPrefix(name, "our own") {
				continue
			}
			at := net.JoinHostPort(address, "8080")
			if k.Web() {
				at = "http://" + at + "/"
			}
			if k == target.ICMP {
				at = address
			}
			if r := l.Look(t.Context(), target.Target{Owner: "chaton-a.test", Kind: k, Address: at}); r.Class != Blocked {
				t.Errorf("%s of %s: %+v", k, at, r)
			}
		}
	}
	for _, address := range []string{
		"http://127.0.0.1@[::1]/", "http://a@127.0.0.1/", "http://127.0.0.1:22/", "https://127.0.0.1:0/", "http://127.0.0.1:99999/", "http:127.0.0.1", "http:///etc/passwd",
		"file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/", "127.0.0.1:80", "", " http://127.0.0.1/", "http://127.0.0.1 /", "http://127.0.0.1\r\nHost: a/",
		"http://[fe80::1%25lo]/", "http://[::ffff:127.0.0.1]/", "http://%31%32%37.0.0.1/", "unix:///run/x", "http://[::1", "http://\x00/",
	} {
		for _, k := range []target.Kind{target.HTTP, target.WebSocket, target.S3, target.TCP, target.TLS} {
			if r := l.Look(t.Context(), target.Target{Owner: "chaton-a.test", Kind: k, Address: address}); r.Class != Blocked && r.Class != DNS && r.Class != Content {
				t.Errorf("%s of %q: %+v", k, address, r)
			}
		}
	}
}
