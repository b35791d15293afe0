package domain

import (
	"crypto/ed25519"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// signed is an answer with a key of chaton-a.test, signed by it from, until; and its DS.
func signed(t testing.TB, from, until time.Time) (*dns.Msg, *dns.DS) {
	t.Helper()
	k := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "chaton-a.test.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 60}, Flags: 257, Protocol: 3, Algorithm: dns.ED25519}
	private, err := k.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.RRSIG{
		Hdr: dns.RR_Header{Name: "chaton-a.test.", Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: 60}, KeyTag: k.KeyTag(), SignerName: "chaton-a.test.",
		Algorithm: dns.ED25519, Inception: uint32(from.Unix()), Expiration: uint32(until.Unix()),
	}
	if err := s.Sign(private.(ed25519.PrivateKey), []dns.RR{k}); err != nil { //nolint:forcetypeassert // it was made so
		t.Fatal(err)
	}
	m := new(dns.Msg)
	m.SetQuestion("chaton-a.test.", dns.TypeDNSKEY)
	m.Response = true
	m.Answer = []dns.RR{k, s}
	return m, k.ToDS(dns.SHA256)
}

// TestChain: only a key that a DS names, and that signs the keys now, is trusted.
func TestChain(t *testing.T) {
	now := noon.Time()
	m, ds := signed(t, now.Add(-day), now.Add(day))
	other, _ := signed(t, now.Add(-day), now.Add(day))
	wrong := *ds
	wrong.Digest = wrong.Digest[2:] + "00"
	forged := []dns.RR{m.Answer[0], other.Answer[0], m.Answer[1]} // a key slipped in
	for name, c := range map[string]struct {
		anchors []*dns.DS
		answer  []dns.RR
		at      time.Time
		want    Chain
	}{
		"fits":             {[]*dns.DS{ds}, m.Answer, now, Trusted},
		"one of two fits":  {[]*dns.DS{&wrong, ds}, m.Answer, now, Trusted},
		"no keys":          {[]*dns.DS{ds}, nil, now, Unsigned},
		"no DS":            {nil, m.Answer, now, Broken},
		"another DS":       {[]*dns.DS{&wrong}, m.Answer, now, Broken},
		"no signature":     {[]*dns.DS{ds}, m.Answer[:1], now, Broken},
		"signature ended":  {[]*dns.DS{ds}, m.Answer, now.Add(2 * day), Broken},
		"not yet":          {[]*dns.DS{ds}, m.Answer, now.Add(-2 * day), Broken},
		"a key slipped in": {[]*dns.DS{ds}, forged, now, Broken},
	} {
		if got := chain("chaton-a.test", c.anchors, c.answer, c.at); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

// FuzzAnswer: whatever a name server answers, what is kept of it is short and readable.
func FuzzAnswer(f *testing.F) {
	m, _ := signed(f, noon.Time(), noon.Time().Add(day))
	for _, text := range []string{
		"chaton-a.test. 60 IN MX 10 mail.chaton-a.test.", `chaton-a.test. 60 IN TXT "v=spf1" " \255-all"`, "chaton-a.test. 60 IN CAA 0 issue \"x\"",
		"chaton-a.test. 60 IN DS 1 13 2 AABB", "chaton-a.test. 60 IN CNAME chaton-b.test.",
	} {
		rr, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	whole, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(dns.Msg)
		if m.Unpack(b) != nil {
			return
		}
		facts := good()
		anchors, _ := pick[*dns.DS](m.Answer, facts.Zone)
		facts.Servers[0].Chain = chain(facts.Zone, anchors, m.Answer, noon.Time())
		facts.Sets = nil
		for _, w := range questions(facts) {
			s := read(m, w)
			if len(s.Values) > maxValues {
				t.Errorf("%d values", len(s.Values))
			}
			for _, v := range s.Values {
				if len(v) > maxShown || !utf8.ValidString(v) {
					t.Errorf("%q is kept", v)
				}
			}
			facts.Sets = append(facts.Sets, s)
		}
		_ = exchangers(m, facts)
		_ = Judge(facts)
	})
}
