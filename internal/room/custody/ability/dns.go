package ability

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

	"entrechat/internal/core"
)

const (
	maxServers = 8
	maxTexts   = 50
	dnsTimeout = 4 * time.Second // for one server
)

// Network is a Seer that asks the real world.
type Network struct {
	// Private allows private addresses, in a network without names: for demos and tests.
	Private bool
	// Servers answers the addresses, with port, of the servers in charge of a name; nil = the
	// resolver's NS records.
	Servers func(ctx context.Context, name string) ([]string, error)
	// Registry is the list of the registries' servers; empty = IANA's.
	Registry string
}

// TXT asks every server in charge of a name, itself and not a resolver's memory. What counts
// is what all that answered say.
func (n Network) TXT(ctx context.Context, name string) ([]string, error) {
	find := n.Servers
	if find == nil {
		find = inCharge
	}
	servers, err := find(ctx, name)
	if err != nil {
		return nil, core.Unsure("custody.ability.dns_silent", err).With("Name", name)
	}
	var texts []string
	answered := false
	errs := []error{errors.New("no server answered")}
	for _, server := range servers[:min(len(servers), maxServers)] {
		got, err := n.ask(ctx, server, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !answered {
			texts, answered = got, true
			continue
		}
		texts = slices.DeleteFunc(texts, func(t string) bool { return !slices.Contains(got, t) })
	}
	if !answered {
		return nil, core.Unsure("custody.ability.dns_silent", errors.Join(errs...)).With("Name", name)
	}
	return texts, nil
}

// inCharge finds the servers of the zone a name lies in.
func inCharge(ctx context.Context, name string) ([]string, error) {
	var r net.Resolver
	for zone := name; strings.Count(strings.Trim(zone, "."), ".") >= 1; _, zone, _ = strings.Cut(zone, ".") {
		found, err := r.LookupNS(ctx, dns.Fqdn(zone))
		if err != nil || len(found) == 0 {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		var servers []string
		for _, ns := range found[:min(len(found), maxServers)] {
			addresses, err := r.LookupNetIP(ctx, "ip", ns.Host)
			if err != nil || len(addresses) == 0 {
				continue
			}
			servers = append(servers, netip.AddrPortFrom(addresses[0].Unmap(), 53).String())
		}
		if len(servers) == 0 {
			return nil, fmt.Errorf("no address of the servers of %s", zone)
		}
		return servers, nil
	}
	return nil, fmt.Errorf("no servers of %s", name)
}

// ask asks one server over TCP, where nobody between can answer first.
func (n Network) ask(ctx context.Context, server, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.TypeTXT)
	q.RecursionDesired = false
	client := dns.Client{Net: "tcp", Timeout: dnsTimeout, Dialer: &net.Dialer{Timeout: dnsTimeout, Control: n.control()}}
	m, _, err := client.ExchangeContext(ctx, q, server)
	if err != nil {
		return nil, err
	}
	texts, err := textsOf(m, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	return texts, nil
}

// textsOf are the texts of a name in an answer of a server in charge of it.
func textsOf(m *dns.Msg, name string) ([]string, error) {
	if !m.Authoritative || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("not in charge of %s: %s", name, dns.RcodeToString[m.Rcode])
	}
	var texts []string
	for _, rr := range m.Answer {
		if txt, ok := rr.(*dns.TXT); ok && strings.EqualFold(txt.Hdr.Name, dns.Fqdn(name)) && len(texts) < maxTexts {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	return texts, nil
}

// control keeps dials away from private addresses.
func (n Network) control() func(network, address string, c syscall.RawConn) error {
	if n.Private {
		return nil
	}
	return ssrf.New(ssrf.WithAnyPort()).Safe
}
