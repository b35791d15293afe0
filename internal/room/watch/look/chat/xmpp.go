package chat

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Client looks at an XMPP server as a client comes to it. It is a look.Probe.
func Client(ctx context.Context, a *look.Attempt, t target.Target) error {
	return side{"jabber:client", "xmpp-client", "xmpps-client", 5222}.look(ctx, a, t.Address)
}

// Server looks at an XMPP server as another server comes to it. It is a look.Probe.
func Server(ctx context.Context, a *look.Attempt, t target.Target) error {
	return side{"jabber:server", "xmpp-server", "xmpps-server", 5269}.look(ctx, a, t.Address)
}

// side is one of the two ways in.
type side struct {
	space       string // the name space of its stanzas
	plain, safe string // its services in SRV records: STARTTLS, and TLS from the first byte
	port        uint16 // where there is no record
}

// place is a host and port where a domain is served.
type place struct {
	host string
	port uint16
	safe bool // TLS comes first
}

// maxPlaces are tried, in the order of their records.
const maxPlaces = 3

// look tries the places of a domain as a client does: the first that answers counts.
func (s side) look(ctx context.Context, a *look.Attempt, domain string) error {
	places, err := s.places(ctx, a.Resolver(), domain)
	if err != nil {
		return err
	}
	var failed error
	for _, p := range places {
		if err = s.open(ctx, a, domain, p); err == nil {
			if failed != nil && !look.IsUnfit(failed) {
				a.Note("%v", failed)
			}
			return nil
		}
		if failed == nil || look.IsUnfit(failed) {
			failed = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// lookupSRV finds records.
type lookupSRV interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
}

// places are where a domain is served: by its SRV records, in their order; without any, by
// those of TLS; without any of these, the domain itself.
func (s side) places(ctx context.Context, by lookupSRV, domain string) ([]place, error) {
	for _, service := range []string{s.plain, s.safe} {
		_, found, err := by.LookupSRV(ctx, service, "tcp", domain)
		var none *net.DNSError
		if err != nil && len(found) == 0 && (!errors.As(err, &none) || !none.IsNotFound) {
			return nil, err
		}
		if len(found) == 1 && found[0].Target == "." {
			return nil, look.Fail(look.DNS, "the SRV record of %s says that there is no such service", service)
		}
		var out []place
		for _, r := range found {
			if host := strings.TrimSuffix(r.Target, "."); host != "" {
				out = append(out, place{host, r.Port, service == s.safe})
			}
		}
		if len(out) > 0 {
			return out[:min(len(out), maxPlaces)], nil
		}
	}
	return []place{{domain, s.port, false}}, nil
}

// open opens a stream at one place, with TLS and the certificate of the domain.
func (s side) open(ctx context.Context, a *look.Attempt, domain string, p place) error {
	if err := a.May(domain, p.host); err != nil {
		return err
	}
	if err := look.WebPort(p.port); err != nil {
		return err
	}
	c, err := a.Dial(ctx, "tcp", net.JoinHostPort(p.host, strconv.Itoa(int(p.port))))
	if err != nil {
		return err
	}
	if !p.safe {
		if c, err = s.startTLS(ctx, a, c, domain); err != nil {
			return err
		}
	} else if c, err = a.Handshake(ctx, c, domain, s.plain); err != nil {
		return err
	}
	st := newStream(c)
	features, err := st.open(s.space, domain)
	if err != nil {
		return err
	}
	defer st.end()
	if s.space == "jabber:client" && !slices.Contains(features, mechanisms) {
		return look.Fail(look.Content, "over TLS the server offers no way to sign in")
	}
	return nil
}

// startTLS opens a stream in the clear and goes over to TLS.
func (s side) startTLS(ctx context.Context, a *look.Attempt, c net.Conn, domain string) (net.Conn, error) {
	st, begun := newStream(c), a.Now()
	features, err := st.open(s.space, domain)
	if err != nil {
		return nil, err
	}
	a.First(a.Now().Sub(begun))
	if !slices.Contains(features, startTLS) {
		return nil, look.Fail(look.TLS, "the server offers no STARTTLS")
	}
	if err := st.startTLS(); err != nil {
		return nil, err
	}
	return a.Handshake(ctx, c, domain)
}
