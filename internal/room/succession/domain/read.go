package domain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"entrechat/internal/core"
)

// Ask is what a person wants to know.
type Ask struct {
	Name      string
	Next      []string // name servers that the zone moves to: names, or addresses with or without port
	Selectors []string // of DKIM
	// Public keeps from private addresses in Next too: who asks does not sit at the node.
	Public bool
}

// Reader reads facts from the name servers in charge. Safe for concurrent use.
type Reader struct {
	Names   Names
	Private bool // private addresses may be asked: for tests and networks without names
	Now     func() time.Time
}

// whole is how long one look takes at most.
const whole = time.Minute

// Read asks the parent, the servers of the zone, and the next ones. Returns CodeUnsure
// "succession.domain.no_zone" where nobody tells the servers of the zone, "succession.domain.parent_silent"
// where those of the parent do not answer.
func (r Reader) Read(ctx context.Context, ask Ask) (Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, whole)
	defer cancel()
	f := Facts{Name: ask.Name, At: core.At(r.Now()), Selectors: ask.Selectors}
	listed, err := r.zone(ctx, &f)
	if err != nil {
		return f, core.Unsure("succession.domain.no_zone", err).With("Name", ask.Name)
	}
	anchors, err := r.parent(ctx, &f)
	if err != nil {
		return f, core.Unsure("succession.domain.parent_silent", err).With("Zone", f.Zone)
	}
	now := all(ctx, r, unique(append(f.Parent.Servers, listed...)), false)
	next := all(ctx, r, unique(ask.Next), !ask.Public)
	f.Servers, f.Next = r.examine(ctx, f.Zone, now, anchors), r.examine(ctx, f.Zone, next, anchors)
	if f.Sets, err = r.sets(ctx, f, first(f.Servers, now)); err != nil {
		return f, core.Unsure("succession.domain.no_zone", err).With("Name", ask.Name)
	}
	f.NextSets, err = r.sets(ctx, f, first(f.Next, next))
	if err != nil {
		return f, core.Unsure("succession.domain.next_silent", err)
	}
	return f, nil
}

// all finds where servers answer; typed are those that a person at the node named.
func all(ctx context.Context, r Reader, hosts []string, typed bool) []at {
	out := make([]at, len(hosts))
	each(len(hosts), func(i int) {
		out[i] = r.find(ctx, hosts[i])
		out[i].typed = out[i].typed && typed
	})
	return out
}

// each does n things at once.
func each(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// first is the first server without a problem; nil where there is none.
func first(judged []Server, where []at) *at {
	i := slices.IndexFunc(judged, func(s Server) bool { return s.Problem == "" })
	if i < 0 {
		return nil
	}
	return &where[i]
}

// unique are the names, sorted, a few at most.
func unique(hosts []string) []string {
	out := make([]string, 0, len(hosts))
	for _, h := range hosts {
		out = append(out, plain(h))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), maxServers)]
}

// zone finds the zone of a name: its own, or the nearest above, down to the registrable domain.
func (r Reader) zone(ctx context.Context, f *Facts) ([]string, error) {
	top, err := publicsuffix.EffectiveTLDPlusOne(f.Name)
	if err != nil {
		return nil, err
	}
	for f.Zone = f.Name; ; _, f.Zone, _ = strings.Cut(f.Zone, ".") {
		found, err := r.Names.NS(ctx, f.Zone)
		if err != nil || len(found) > 0 {
			return found, err
		}
		if f.Zone == top {
			return nil, errors.New("nobody knows name servers of " + top)
		}
	}
}

// parent asks the servers of the zone above; what several say is put together.
func (r Reader) parent(ctx context.Context, f *Facts) ([]*dns.DS, error) {
	var found []string
	var err error
	for above := f.Zone; len(found) == 0 && err == nil && above != ""; {
		_, above, _ = strings.Cut(above, ".")
		found, err = r.Names.NS(ctx, above)
	}
	if err != nil {
		return nil, err
	}
	servers := all(ctx, r, unique(found), false)
	type view struct {
		ns     []*dns.NS
		ds     []*dns.DS
		ttl    uint32
		ttlDS  uint32
		failed error
	}
	views := make([]view, len(servers))
	each(len(servers), func(i int) {
		v := &views[i]
		var referral, secure *dns.Msg
		if referral, v.failed = r.ask(ctx, servers[i], f.Zone, dns.TypeNS); v.failed != nil {
			return
		}
		if v.ns, v.ttl = pick[*dns.NS](slices.Concat(referral.Answer, referral.Ns), f.Zone); len(v.ns) == 0 {
			v.failed = errors.New("no delegation")
			return
		}
		if secure, v.failed = r.inCharge(ctx, servers[i], f.Zone, dns.TypeDS); v.failed == nil {
			v.ds, v.ttlDS = pick[*dns.DS](secure.Answer, f.Zone)
		}
	})
	var anchors []*dns.DS
	errs := []error{errors.New("no server of the parent answered")}
	for _, v := range views {
		if v.failed != nil {
			errs = append(errs, v.failed)
			continue
		}
		for _, ns := range v.ns {
			f.Parent.Servers = append(f.Parent.Servers, ns.Ns)
		}
		for _, d := range v.ds {
			f.Parent.DS = append(f.Parent.DS, value(d))
		}
		anchors = append(anchors, v.ds...)
		f.Parent.TTL, f.Parent.DSTTL = max(f.Parent.TTL, v.ttl), max(f.Parent.DSTTL, v.ttlDS)
	}
	if len(f.Parent.Servers) == 0 {
		return nil, errors.Join(errs...)
	}
	f.Parent.Servers, f.Parent.DS = unique(f.Parent.Servers), sorted(f.Parent.DS)
	return anchors, nil
}

func sorted(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// examine asks servers what they know of the zone itself.
func (r Reader) examine(ctx context.Context, zone string, servers []at, anchors []*dns.DS) []Server {
	out := make([]Server, len(servers))
	each(len(servers), func(i int) {
		s, err := r.server(ctx, zone, servers[i], anchors)
		if err != nil {
			s.Problem = shown(err.Error())
		}
		out[i] = s
	})
	return out
}

func (r Reader) server(ctx context.Context, zone string, where at, anchors []*dns.DS) (Server, error) {
	s := Server{Host: where.host}
	m, err := r.inCharge(ctx, where, zone, dns.TypeSOA)
	if err != nil {
		return s, err
	}
	soa, _ := pick[*dns.SOA](m.Answer, zone)
	if len(soa) == 0 {
		return s, errors.New("it does not have the zone")
	}
	s.Serial = soa[0].Serial
	if m, err = r.inCharge(ctx, where, zone, dns.TypeNS); err != nil {
		return s, err
	}
	list, _ := pick[*dns.NS](m.Answer, zone)
	for _, ns := range list {
		s.NS = append(s.NS, ns.Ns)
	}
	s.NS = unique(s.NS)
	if m, err = r.inCharge(ctx, where, zone, dns.TypeDNSKEY); err != nil {
		return s, err
	}
	s.Chain = chain(zone, anchors, m.Answer, r.Now())
	return s, nil
}

// wanted is one question.
type wanted struct {
	name string
	kind uint16
}

// questions are what is asked of a zone: what an adopter may have to change.
func questions(f Facts) []wanted {
	list := []wanted{{f.Zone, dns.TypeSOA}, {f.Zone, dns.TypeNS}}
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeMX, dns.TypeTXT, dns.TypeCAA} {
		list = append(list, wanted{f.Name, kind})
	}
	if f.Zone != f.Name {
		list = append(list, wanted{f.Zone, dns.TypeCAA})
	}
	list = append(list, wanted{"_dmarc." + f.Name, dns.TypeTXT}, wanted{"_443._tcp." + f.Name, dns.TypeTLSA})
	for _, s := range f.Selectors {
		list = append(list, wanted{s + "._domainkey." + f.Name, dns.TypeTXT})
	}
	return list
}

// sets reads what a server has of what is asked; nothing where there is no server.
func (r Reader) sets(ctx context.Context, f Facts, from *at) (out []Set, err error) {
	if from == nil {
		return nil, nil
	}
	list := questions(f)
	for i := 0; i < len(list); i++ {
		m, err := r.inCharge(ctx, *from, list[i].name, list[i].kind)
		if err != nil {
			return out, err
		}
		s := read(m, list[i])
		if len(s.Values) == 0 {
			continue
		}
		out = append(out, s)
		if list[i].kind == dns.TypeMX {
			list = append(list, exchangers(m, f)...)
		}
	}
	return out, nil
}

// exchangers are the questions about the mail servers of a name, those in its zone.
func exchangers(m *dns.Msg, f Facts) (out []wanted) {
	all, _ := pick[*dns.MX](m.Answer, f.Name)
	for _, mx := range all[:min(len(all), maxServers)] {
		host := plain(mx.Mx)
		if host == f.Name || !dns.IsSubDomain(dns.Fqdn(f.Zone), dns.Fqdn(host)) {
			continue
		}
		out = append(out, wanted{host, dns.TypeA}, wanted{host, dns.TypeAAAA}, wanted{"_25._tcp." + host, dns.TypeTLSA})
	}
	return out
}

// read is the set in an answer. A key of DKIM, and a text of DMARC, may stand elsewhere: another name in
// its place counts.
func read(m *dns.Msg, w wanted) Set {
	s := Set{Name: w.name, Type: dns.TypeToString[w.kind]}
	records, ttl := pick[dns.RR](m.Answer, w.name)
	for _, rr := range records {
		kind := rr.Header().Rrtype
		if kind == w.kind || kind == dns.TypeCNAME && strings.HasPrefix(s.Name, "_") || kind == dns.TypeCNAME && strings.Contains(s.Name, "._domainkey.") {
			s.TTL, s.Values = ttl, append(s.Values, value(rr))
		}
	}
	slices.Sort(s.Values)
	return s
}
