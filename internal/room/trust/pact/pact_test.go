package pact

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/trusttest"
)

func store(bytes int64) core.Grant { return trusttest.Store(bytes) }

// pactOf is a valid pact between a.test and b.test.
func pactOf(give, ask []core.Grant) Pact {
	return Pact{
		V: 1, Terms: termsV1, Nonce: "AAAAAAAAAAAAAAAAAAAAAAAAAA", Made: trusttest.Noon, OpenUntil: trusttest.Noon.Add(defaultOpen),
		Proposer:   Party{Address: addressOf("a.test"), Grants: give, Card: Card{Place: "Lyon, France"}},
		Accepter:   Party{Address: addressOf("b.test"), Grants: ask},
		NoticeDays: 90,
	}
}

func TestPactCheck(t *testing.T) {
	good := pactOf([]core.Grant{store(1)}, nil)
	if err := good.Check(trusttest.Types()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Pact){
		"other terms":           func(p *Pact) { p.Terms = "entrechat/convention/2" },
		"no nonce":              func(p *Pact) { p.Nonce = "" },
		"with oneself":          func(p *Pact) { p.Accepter.Member = p.Proposer.Member },
		"one root, two origins": func(p *Pact) { p.Accepter.Root = p.Proposer.Root },
		"no grant":              func(p *Pact) { p.Proposer.Grants = nil },
		"speaks for the other":  func(p *Pact) { p.Accepter.Card.Place = "Lyon" },
		"no notice":             func(p *Pact) { p.NoticeDays = 0 },
		"notice overflows":      func(p *Pact) { p.NoticeDays = 1 << 52 },
		"open for ever":         func(p *Pact) { p.OpenUntil = trusttest.Noon.Add(1000 * day) },
		"a day that is not one": func(p *Pact) { p.Review = "2027-02-30" },
		"terminal escape":       func(p *Pact) { p.Purpose = "\x1b[2J" },
		"text turned round":     func(p *Pact) { p.Proposer.Card.Name = "abc\u202ecba" },
		"two lines for one":     func(p *Pact) { p.Proposer.Card.Place = "Lyon\nParis" },
		"grant twice":           func(p *Pact) { p.Proposer.Grants = []core.Grant{store(1), store(2)} },
		"bytes for watch": func(p *Pact) {
			p.Proposer.Grants = []core.Grant{{Kind: trusttest.KindWatch, Amounts: map[string]int64{"every_s": 60, "bytes": 1}}}
		},
		"negative bytes":         func(p *Pact) { p.Proposer.Grants = []core.Grant{store(-1)} },
		"unknown kind":           func(p *Pact) { p.Proposer.Grants = []core.Grant{{Kind: "root"}} },
		"url with a password":    func(p *Pact) { p.Proposer.URL = "https://u:p@a.test" },
		"url that runs a script": func(p *Pact) { p.Proposer.URL = "javascript:alert(1)" },
	} {
		p := pactOf([]core.Grant{store(1)}, nil)
		spoil(&p)
		if err := p.Check(trusttest.Types()); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func TestPactStates(t *testing.T) {
	p := pactOf([]core.Grant{store(1)}, nil)
	accepted := &Acceptance{V: 1, Pact: "x", Accepter: "b.test", At: trusttest.Noon}
	at := func(h Record, after time.Duration) State { return h.State(trusttest.Noon.Add(after)) }
	for _, c := range []struct {
		name   string
		record Record
		after  time.Duration
		want   State
	}{
		{"new", Record{Pact: p}, 0, Proposed},
		{"not answered", Record{Pact: p}, defaultOpen, Lapsed},
		{"declined", Record{Pact: p, Closed: trusttest.Noon, ClosedBy: "b.test"}, day, Declined},
		{"withdrawn", Record{Pact: p, Closed: trusttest.Noon, ClosedBy: "a.test"}, day, Withdrawn},
		{"signed, long ago", Record{Pact: p, Accepted: accepted}, 5000 * day, Active},
		{"last day of notice", Record{Pact: p, Accepted: accepted, Closed: trusttest.Noon, ClosedBy: "a.test"}, 90*day - 1000, Ending},
		{"notice over", Record{Pact: p, Accepted: accepted, Closed: trusttest.Noon, ClosedBy: "a.test"}, 90 * day, Ended},
	} {
		if got := at(c.record, c.after); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// addressOf is a made-up address, one for each name.
func addressOf(id core.MemberID) member.Address {
	return member.Address{Member: id, URL: "https://" + string(id), Root: trusttest.RootOf(string(id))}
}
