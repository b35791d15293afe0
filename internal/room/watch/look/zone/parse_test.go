package zone

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"entrechat/internal/room/watch/look"
)

// packet is an answer to a question, as text of records.
func packet(t testing.TB, q *dns.Msg, change func(*dns.Msg), records ...string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative = true
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	if change != nil {
		change(m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	q, _, err := question("www.chaton-a.test", "A")
	if err != nil {
		t.Fatal(err)
	}
	const a = "www.chaton-a.test. 60 IN A 192.0.2.7"
	for name, c := range map[string]struct {
		change func(*dns.Msg)
		well   bool
	}{
		"an answer":        {nil, true},
		"another number":   {func(m *dns.Msg) { m.Id++ }, false},
		"a question":       {func(m *dns.Msg) { m.Response = false }, false},
		"another name":     {func(m *dns.Msg) { m.Question[0].Name = "mail.chaton-a.test." }, false},
		"another type":     {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX }, false},
		"no question":      {func(m *dns.Msg) { m.Question = nil }, false},
		"another case":     {func(m *dns.Msg) { m.Question[0].Name = "WWW.chaton-a.test." }, true},
		"an update":        {func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, false},
		"a refusal counts": {func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, true},
	} {
		if _, ok := parse(packet(t, q, c.change, a), q); ok != c.well {
			t.Errorf("%s: %v", name, ok)
		}
	}
	whole := packet(t, q, nil, a)
	for n := range whole {
		if _, ok := parse(whole[:n], q); ok {
			t.Errorf("%d of %d bytes are an answer", n, len(whole))
		}
	}
	if _, ok := parse(packet(t, q, func(m *dns.Msg) { m.Truncated = true }, a)[:40], q); !ok {
		t.Error("an answer that was cut is none")
	}
}

func TestShortSignatures(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_796_000_000, 0)
	sign := func(from, until time.Duration) record {
		return record{kind: "RRSIG", covers: "A", from: now.Add(from), until: now.Add(until)}
	}
	for name, c := range map[string]struct {
		list []record
		ends time.Duration // 0 = none
		well bool
	}{
		"none":                     {nil, 0, true},
		"made for each answer":     {[]record{sign(-day, day)}, 0, true},
		"made for each, ended":     {[]record{sign(-2*day, -time.Second)}, 0, false},
		"made by hand":             {[]record{sign(-20*day, day)}, day, true},
		"the first end counts":     {[]record{sign(-20*day, 9*day), sign(-20*day, 3*day), sign(-20*day, 5*day)}, 3 * day, true},
		"one of several has ended": {[]record{sign(-20*day, 9*day), sign(-20*day, -1)}, 0, false},
		"from tomorrow on":         {[]record{sign(day, 30*day)}, 0, false},
	} {
		ends, err := signed(reply{proofs: c.list}, now)
		if (err == nil) != c.well || c.well && c.ends != 0 && !ends.Equal(now.Add(c.ends)) || c.well && c.ends == 0 && !ends.IsZero() {
			t.Errorf("%s: %v %v", name, ends, err)
		}
	}
}

// nameServers answers for the names in it; an error for "broken."...
type nameServers map[string]string

func (n nameServers) LookupNS(_ context.Context, name string) ([]*net.NS, error) {
	if strings.HasPrefix(name, "broken.") {
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	if host, ok := n[name]; ok {
		return []*net.NS{{Host: host}}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestServersOfTheNearestZone(t *testing.T) {
	t.Parallel()
	by := nameServers{"chaton-a.test": "ns1.chaton-a.test.", "lab.chaton-a.test": "ns.lab.chaton-a.test.", "test": "root.", "empty.test": "."}
	for name, want := range map[string]string{
		"chaton-a.test":        "ns1.chaton-a.test",
		"a.b.c.chaton-a.test":  "ns1.chaton-a.test",
		"x.lab.chaton-a.test":  "ns.lab.chaton-a.test",
		"Lab.Chaton-A.test.":   "ns.lab.chaton-a.test",
		"chaton-z.test":        "dns", // never the servers of all of "test"
		"broken.chaton-a.test": "server misbehaving",
		"test":                 "blocked",
		"":                     "blocked",
		"..":                   "blocked",
		strings.Repeat("a.", 300) + "chaton-a.test": "ns1.chaton-a.test",
	} {
		found, err := inCharge(t.Context(), by, name)
		got := strings.Join(found, " ")
		if own, ok := errors.AsType[*look.ClassError](err); ok {
			got = string(own.Class)
		} else if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%.30q: %q, not %q", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	q, _, err := question("www.chaton-a.test", "A")
	if err != nil {
		f.Fatal(err)
	}
	q.Id = 7
	f.Add(packet(f, q, nil, "www.chaton-a.test. 60 IN A 192.0.2.7", "www.chaton-a.test. 60 IN MX 10 mail.chaton-a.test."))
	f.Add(packet(f, q, nil, "www.chaton-a.test. 60 IN RRSIG A 15 3 60 20261201000000 20261101000000 1 chaton-a.test. AAAA"))
	f.Add(packet(f, q, func(m *dns.Msg) { m.Truncated = true }, "www.chaton-a.test. 60 IN TXT x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parse(b, q)
		if !ok {
			return
		}
		_ = judge(r, "www.chaton-a.test")
		_, _ = signed(r, time.Unix(1_796_000_000, 0))
		for _, rr := range matching(r.records, "A") {
			_ = rr.is("192.0.2.7")
		}
	})
}
