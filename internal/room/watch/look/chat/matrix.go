package chat

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Matrix looks at the federation of a Matrix server: where it is, which version answers
// there, and whether the keys it shows are its own and still hold. It is a look.Probe.
func Matrix(ctx context.Context, a *look.Attempt, t target.Target) error {
	at, err := federation(ctx, a, t.Address)
	if err != nil {
		return err
	}
	if err := a.May(t.Address, at.host); err != nil {
		return err
	}
	w, err := a.Get(ctx, look.Ask{URL: at.url("/_matrix/federation/v1/version"), Accept: "application/json"})
	if err != nil {
		return err
	}
	if err := w.OK(); err != nil {
		return err
	}
	var version struct {
		Server struct{ Name, Version string } `json:"server"`
	}
	if err := w.JSON(&version); err != nil {
		return err
	}
	if version.Server.Name == "" {
		return look.Fail(look.Content, "the server does not name itself: is this Matrix?")
	}
	a.Software(version.Server.Name, version.Server.Version)
	w, err = a.Get(ctx, look.Ask{URL: at.url("/_matrix/key/v2/server"), Accept: "application/json"})
	if err != nil {
		return err
	}
	if err := w.OK(); err != nil {
		return err
	}
	if w.Cut {
		return look.Fail(look.Content, "keys of more than %d KiB", look.MaxRead>>10)
	}
	return checkKeys(w.Body, t.Address, a.Now())
}

// at is where a domain's federation is served.
type at struct {
	host string
	port uint16
}

func (h at) url(path string) string {
	return "https://" + net.JoinHostPort(h.host, strconv.Itoa(int(h.port))) + path
}

// documentBound is how long the well-known document may take: a domain's web server that hangs is
// no reason not to find its Matrix server.
const documentBound = 3 * time.Second

// federation finds where a domain's federation is served, in the order that the
// specification gives: the well-known document, a record, port 8448 of the domain.
func federation(ctx context.Context, a *look.Attempt, domain string) (at, error) {
	soon, cancel := context.WithTimeout(ctx, documentBound)
	defer cancel()
	w, err := a.Get(soon, look.Ask{URL: "https://" + domain + "/.well-known/matrix/server", Accept: "application/json"})
	if err == nil && w.OK() == nil {
		var told struct {
			Server string `json:"m.server"`
		}
		if err := w.JSON(&told); err != nil {
			return at{}, err
		}
		return delegated(told.Server)
	}
	if own, ok := errors.AsType[*look.ClassError](err); ok && own.Class == look.Blocked || ctx.Err() != nil {
		return at{}, err
	}
	return recorded(ctx, a.Resolver(), domain)
}

// recorded is the place that an SRV record names. Behind a record the certificate is the
// domain's, not the host's: that is seen only where both are one.
func recorded(ctx context.Context, by lookupSRV, domain string) (at, error) {
	for _, service := range []string{"matrix-fed", "matrix"} {
		_, found, _ := by.LookupSRV(ctx, service, "tcp", domain) // after an error, as without a record, the default is next
		for _, r := range found {
			if strings.EqualFold(strings.TrimSuffix(r.Target, "."), domain) {
				return at{domain, r.Port}, nil
			}
		}
		if len(found) > 0 {
			return at{}, look.Fail(look.Unfit, "a record leads to %.60s, which this program does not follow: publish /.well-known/matrix/server", found[0].Target)
		}
	}
	return at{domain, 8448}, nil
}

// delegated reads the "m.server" of a well-known document.
func delegated(text string) (at, error) {
	host, port := text, uint16(8448)
	if h, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return at{}, look.Fail(look.Content, "the well-known document names the port %.20q", p)
		}
		host, port = h, uint16(n)
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "" || strings.ContainsAny(host, "/?#@:[]% \\") {
		return at{}, look.Fail(look.Content, "the well-known document names %.60q, which is no host", text)
	}
	return at{host, port}, nil
}
