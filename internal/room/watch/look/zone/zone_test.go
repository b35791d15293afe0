package zone

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

const day = 24 * time.Hour

// plain is a small zone with two name servers.
const plain = `chaton-a.test. 60 IN SOA ns1.chaton-a.test. admin.chaton-a.test. 1 3600 600 86400 60
chaton-a.test. 60 IN NS ns1.chaton-a.test.
chaton-a.test. 60 IN NS ns2.chaton-a.test.
chaton-a.test. 60 IN MX 10 mail.chaton-a.test.
chaton-a.test. 60 IN TXT "v=spf1 " "mx -all"
ns1.chaton-a.test. 60 IN A 127.0.0.1
ns2.chaton-a.test. 60 IN A 127.0.0.1
www.chaton-a.test. 60 IN A 192.0.2.7
www.chaton-a.test. 60 IN AAAA 2001:db8::7
six.chaton-a.test. 60 IN AAAA 2001:db8::6
away.chaton-a.test. 60 IN CNAME pad.chaton-b.test.
deep.pad.chaton-a.test. 60 IN A 192.0.2.8
`

// withLong is the zone with a text that fits no answer over UDP.
func withLong() string {
	var b strings.Builder
	b.WriteString(plain)
	for i := range 40 {
		fmt.Fprintf(&b, "long.chaton-a.test. 60 IN TXT \"%02d %s\"\n", i, strings.Repeat("x", 100))
	}
	return b.String()
}

// signed writes a zone with DNSSEC whose signatures hold from, until.
func signedZone(t *testing.T, from, until time.Time) string {
	t.Helper()
	key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "chaton-a.test.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 60}, Flags: 257, Protocol: 3, Algorithm: dns.ED25519}
	private, err := key.Generate(256)
	looktest.Must(t, err)
	signer, ok := private.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("a key of type %T", private)
	}
	sets := map[string][]dns.RR{}
	var order []string
	add := func(rr dns.RR) {
		id := rr.Header().Name + dns.TypeToString[rr.Header().Rrtype]
		if sets[id] == nil {
			order = append(order, id)
		}
		sets[id] = append(sets[id], rr)
	}
	p := dns.NewZoneParser(strings.NewReader(plain), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		add(rr)
	}
	looktest.Must(t, p.Err())
	add(key)
	var b strings.Builder
	for _, id := range order {
		set := sets[id]
		sig := &dns.RRSIG{
			Algorithm: dns.ED25519, KeyTag: key.KeyTag(), SignerName: "chaton-a.test.",
			Inception: uint32(from.Unix()), Expiration: uint32(until.Unix()),
		}
		looktest.Must(t, sig.Sign(crypto.Signer(signer), set))
		for _, rr := range append(set, sig) {
			b.WriteString(rr.String() + "\n")
		}
	}
	return b.String()
}

// servers starts a knot for each name server of the zone and looks at what they serve.
func servers(t *testing.T, now func() time.Time, first, second string) (*look.Looker, [2]*looktest.Server) {
	t.Helper()
	one, two, names := looktest.Port(t), looktest.Port(t), looktest.Port(t)
	// Who is asked for the name servers is a third one: it goes on when these are down.
	looktest.Knot(t, names, "chaton-a.test", plain)
	list := [2]*looktest.Server{looktest.Knot(t, one, "chaton-a.test", first), looktest.Knot(t, two, "chaton-a.test", second)}
	return looktest.Looker(nil, map[target.Kind]look.Probe{target.DNS: Probe}, map[string]string{
		"ns1.chaton-a.test:53": looktest.Address(one), "ns2.chaton-a.test:53": looktest.Address(two),
	}, looktest.Address(names), now), list
}

func at(name, record string, answers ...string) target.Target {
	return target.Target{Kind: target.DNS, Address: name, Expect: target.Expect{Record: record, Answers: answers}}
}

func TestAnswersOfKnot(t *testing.T) {
	t.Parallel()
	l, list := servers(t, time.Now, withLong(), withLong())
	looktest.All(t, l, map[string]looktest.Case{
		"an address":             looktest.Is(at("www.chaton-a.test", ""), look.Fine, func(r look.Result) bool { return r.First > 0 && r.Ends == 0 }),
		"another case, a dot":    looktest.Is(at("WWW.Chaton-A.test.", ""), look.Fine),
		"the expected address":   looktest.Is(at("www.chaton-a.test", "A", "192.0.2.7"), look.Fine),
		"one of each family":     looktest.Is(at("www.chaton-a.test", "", "192.0.2.7", "2001:DB8:0::7"), look.Fine),
		"another address":        looktest.Is(at("www.chaton-a.test", "A", "192.0.2.9"), look.Content),
		"only IPv6":              looktest.Is(at("six.chaton-a.test", ""), look.Fine),
		"no IPv4":                looktest.Is(at("six.chaton-a.test", "A"), look.Content),
		"mail":                   looktest.Is(at("chaton-a.test", "MX", "mail.chaton-a.test", "10 MAIL.chaton-a.test."), look.Fine),
		"mail elsewhere":         looktest.Is(at("chaton-a.test", "MX", "20 mail.chaton-a.test"), look.Content),
		"name servers":           looktest.Is(at("chaton-a.test", "NS", "ns1.chaton-a.test"), look.Fine),
		"the zone":               looktest.Is(at("chaton-a.test", "SOA", "ns1.chaton-a.test"), look.Fine),
		"text":                   looktest.Is(at("chaton-a.test", "TXT", "v=spf1 mx -all"), look.Fine),
		"long text, over TCP":    looktest.Is(at("long.chaton-a.test", "TXT"), look.Fine),
		"another name":           looktest.Is(at("away.chaton-a.test", "CNAME", "pad.chaton-b.test"), look.Fine),
		"a name elsewhere":       looktest.Is(at("away.chaton-a.test", ""), look.Fine),
		"below a name":           looktest.Is(at("deep.pad.chaton-a.test", ""), look.Fine),
		"no such name":           looktest.Is(at("nobody.chaton-a.test", ""), look.DNS),
		"no such zone":           looktest.Is(at("www.chaton-z.test", ""), look.DNS),
		"a public suffix":        looktest.Is(at("co.uk", ""), look.Blocked),
		"a name without records": looktest.Is(at("pad.chaton-a.test", ""), look.Content),
	})
	well := at("www.chaton-a.test", "A", "192.0.2.7")
	each := func(do func(*looktest.Server)) {
		for _, s := range list {
			do(s)
		}
	}
	list[0].Hang()
	looktest.All(t, l, map[string]looktest.Case{"one server hangs": looktest.Is(well, look.Fine, quick)})
	list[1].Hang()
	looktest.Look(t, l, well, look.Timeout)
	each((*looktest.Server).Wake)
	looktest.All(t, l, map[string]looktest.Case{"both are back": looktest.Is(well, look.Fine, func(r look.Result) bool { return r.Detail == "" })})
	list[0].End()
	looktest.All(t, l, map[string]looktest.Case{"one server is down": looktest.Is(well, look.Fine, noted("ns1"), quick)})
	list[1].End()
	looktest.Look(t, l, well, look.Refused)
}

// quick says that nobody waited for a server that does not answer.
func quick(r look.Result) bool { return r.Latency < patience }

// noted says that a look that is well tells of something.
func noted(what string) func(r look.Result) bool {
	return func(r look.Result) bool { return strings.Contains(r.Detail, what) }
}

func TestSignaturesOfKnot(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	until := now.Add(10 * day)
	well, ended := signedZone(t, now.Add(-4*day), until), signedZone(t, now.Add(-30*day), now.Add(-time.Hour))
	name := at("www.chaton-a.test", "")
	for what, c := range map[string]struct {
		first, second string
		now           time.Time
		is            looktest.Case
	}{
		"they hold":           {well, well, now, looktest.Is(name, look.Fine, func(r look.Result) bool { return r.Ends.Time().Equal(until) })},
		"they ended":          {ended, ended, now, looktest.Is(name, look.DNS)},
		"they will end":       {well, well, until.Add(time.Second), looktest.Is(name, look.DNS)},
		"they begin later":    {well, well, now.Add(-5 * day), looktest.Is(name, look.DNS)},
		"one server is late":  {well, ended, now, looktest.Is(name, look.Fine, noted("ended on"))},
		"a denial that ended": {ended, ended, now, looktest.Is(at("six.chaton-a.test", "A"), look.DNS)},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l, _ := servers(t, func() time.Time { return c.now }, c.first, c.second)
			looktest.All(t, l, map[string]looktest.Case{what: c.is})
		})
	}
}
