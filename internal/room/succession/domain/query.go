package domain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"github.com/miekg/dns"
)

const (
	patience   = 4 * time.Second // for one answer
	maxServers = 8
	maxValues  = 50
)

// Names finds name servers: where answers of a cache are good enough.
type Names interface {
	// NS are the names of a zone's servers; none where the name is no zone.
	NS(ctx context.Context, zone string) ([]string, error)
	// Address is where a server answers, with its port.
	Address(ctx context.Context, host string) (string, error)
}

// System asks the machine's resolver.
type System struct{}

// NS asks for name servers; a name without any is no error.
func (System) NS(ctx context.Context, zone string) ([]string, error) {
	var r net.Resolver
	found, err := r.LookupNS(ctx, dns.Fqdn(zone))
	if none, ok := errors.AsType[*net.DNSError](err); ok && none.IsNotFound {
		return nil, nil
	}
	hosts := make([]string, 0, len(found))
	for _, ns := range found {
		hosts = append(hosts, ns.Host)
	}
	if len(hosts) > 0 {
		return hosts, nil
	}
	return nil, err
}

// Address is an address of a host, IPv4 where it has one, at port 53.
func (System) Address(ctx context.Context, host string) (string, error) {
	var r net.Resolver
	all, err := r.LookupNetIP(ctx, "ip", dns.Fqdn(host))
	if err != nil {
		return "", err
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
	if len(all) == 0 {
		return "", errors.New("no address")
	}
	return netip.AddrPortFrom(all[0].Unmap(), 53).String(), nil
}

// at is a server to be asked.
type at struct {
	host, address string
	typed         bool // an address, which a person at the node typed
	err           error
}

// find finds where a server answers: an address that a person typed, or a name.
func (r Reader) find(ctx context.Context, server string) at {
	server = plain(server)
	if a, err := netip.ParseAddrPort(server); err == nil {
		return at{host: server, address: a.String(), typed: true}
	}
	if a, err := netip.ParseAddr(server); err == nil {
		return at{host: server, address: netip.AddrPortFrom(a, 53).String(), typed: true}
	}
	address, err := r.Names.Address(ctx, server)
	return at{host: server, address: address, err: err}
}

// plain is a name as it is compared: lower case, without its last dot.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// ask asks one server one question, over TCP, where nobody between can answer first.
func (r Reader) ask(ctx context.Context, s at, name string, kind uint16) (*dns.Msg, error) {
	if s.err != nil {
		return nil, s.err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), kind)
	q.RecursionDesired = false
	q.SetEdns0(4096, true)
	client := dns.Client{Net: "tcp", Timeout: patience, Dialer: &net.Dialer{Timeout: patience, Control: r.control(s)}}
	m, _, err := client.ExchangeContext(ctx, q, s.address)
	if err != nil {
		return nil, err
	}
	if !m.Response || len(m.Question) != 1 || m.Question[0].Qtype != kind || plain(m.Question[0].Name) != plain(name) {
		return nil, errors.New("an answer to another question")
	}
	return m, nil
}

// control keeps what name servers name away from private addresses.
func (r Reader) control(s at) func(network, address string, c syscall.RawConn) error {
	if r.Private || s.typed {
		return nil
	}
	return ssrf.New(ssrf.WithAnyPort()).Safe
}

// inCharge is the answer of a server that is in charge, or why it is not.
func (r Reader) inCharge(ctx context.Context, s at, name string, kind uint16) (*dns.Msg, error) {
	m, err := r.ask(ctx, s, name, kind)
	switch {
	case err != nil:
		return nil, err
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return nil, fmt.Errorf("it says %s", dns.RcodeToString[m.Rcode])
	case !m.Authoritative:
		return nil, errors.New("it is not in charge of the zone")
	}
	return m, nil
}

// pick are the records of one name and type, and the shortest of their TTLs.
func pick[T dns.RR](list []dns.RR, name string) (out []T, ttl uint32) {
	for _, rr := range list {
		one, ok := rr.(T)
		if !ok || plain(rr.Header().Name) != name || len(out) == maxValues {
			continue
		}
		if len(out) == 0 || rr.Header().Ttl < ttl {
			ttl = rr.Header().Ttl
		}
		out = append(out, one)
	}
	return out, ttl
}

// value is what a record says, as text.
func value(rr dns.RR) string {
	if txt, ok := rr.(*dns.TXT); ok {
		return shown(strings.Join(txt.Txt, ""))
	}
	return shown(strings.TrimPrefix(rr.String(), rr.Header().String()))
}

// chain says what the keys in an answer are to the DS records of the parent, at a moment.
func chain(zone string, anchors []*dns.DS, answer []dns.RR, now time.Time) Chain {
	keys, _ := pick[*dns.DNSKEY](answer, zone)
	if len(keys) == 0 {
		return Unsigned
	}
	set := make([]dns.RR, len(keys))
	for i, k := range keys {
		set[i] = k
	}
	signatures, _ := pick[*dns.RRSIG](answer, zone)
	for _, key := range keys {
		if !slices.ContainsFunc(anchors, func(d *dns.DS) bool { return names(d, key) }) {
			continue
		}
		for _, s := range signatures {
			if s.TypeCovered == dns.TypeDNSKEY && s.KeyTag == key.KeyTag() && s.ValidityPeriod(now) && s.Verify(key, set) == nil {
				return Trusted
			}
		}
	}
	return Broken
}

// names says whether a DS is that of a key.
func names(d *dns.DS, key *dns.DNSKEY) bool {
	made := key.ToDS(d.DigestType)
	return made != nil && made.KeyTag == d.KeyTag && made.Algorithm == d.Algorithm && strings.EqualFold(made.Digest, d.Digest)
}
