package pact

import (
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/trusttest"
)

// Signed is a pact of a.test and b.test in force.
func Signed(t testing.TB, change func(*Pact)) Offer {
	t.Helper()
	p := pactOf([]core.Grant{store(200)}, []core.Grant{store(100)})
	if change != nil {
		change(&p)
	}
	id, doc, err := document.Sign(Type, p, trusttest.SignerOf("a.test"))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.AddSignature(trusttest.SignerOf("b.test")); err != nil {
		t.Fatal(err)
	}
	_, acceptance, err := document.Sign(AcceptType, Acceptance{V: 1, Pact: id, Accepter: "b.test", At: trusttest.Noon}, trusttest.SignerOf("b.test"))
	if err != nil {
		t.Fatal(err)
	}
	return Offer{Pact: doc, Acceptance: &acceptance}
}

func TestOfferOpen(t *testing.T) {
	both := trusttest.KeysOf("a.test", "b.test")
	o, err := Signed(t, nil).Open(trusttest.Types(), both)
	if err != nil || o.Accept == nil || len(o.Signers) != 2 {
		t.Fatalf("%+v %v", o, err)
	}
	for name, spoil := range map[string]func(*Offer){
		"one signature only":    func(o *Offer) { o.Pact.Signatures = o.Pact.Signatures[:1] },
		"no proposer signature": func(o *Offer) { o.Pact.Signatures = o.Pact.Signatures[1:] },
		"forged signature":      func(o *Offer) { o.Pact.Signatures[1].Sig = o.Pact.Signatures[0].Sig },
		"another text":          func(o *Offer) { o.Pact.Payload = Signed(t, func(p *Pact) { p.NoticeDays = 7 }).Pact.Payload },
		"another's acceptance": func(o *Offer) {
			o.Acceptance = Signed(t, func(p *Pact) { p.NoticeDays = 7 }).Acceptance
		},
		"acceptance by the proposer": func(o *Offer) {
			a := Acceptance{V: 1, Pact: "x", Accepter: "b.test", At: trusttest.Noon}
			_, doc, err := document.Sign(AcceptType, a, trusttest.SignerOf("a.test"))
			if err != nil {
				t.Fatal(err)
			}
			o.Acceptance = &doc
		},
		"the pact as its own acceptance": func(o *Offer) { o.Acceptance = &o.Pact },
	} {
		o := Signed(t, nil)
		spoil(&o)
		if got, err := o.Open(trusttest.Types(), both); err == nil {
			t.Errorf("%s is taken: %+v", name, got)
		}
	}
}

func FuzzOffer(f *testing.F) {
	text, err := wire.Encode(Signed(f, nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	keys := trusttest.KeysOf("a.test", "b.test")
	f.Fuzz(func(t *testing.T, text []byte) {
		var o Offer
		if wire.Decode(text, &o) != nil {
			return
		}
		if in, err := o.Open(trusttest.Types(), keys); err == nil && in.Pact.Check(trusttest.Types()) != nil {
			t.Fatalf("%+v", in)
		}
	})
}

// FuzzPact reads payloads as if their signatures held.
func FuzzPact(f *testing.F) {
	text, err := wire.Encode(pactOf([]core.Grant{store(200)}, []core.Grant{trusttest.Login("pad")}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Pact
		if wire.Decode(text, &p) != nil || p.Check(trusttest.Types()) != nil {
			return
		}
		h := Record{ID: document.ID(text), Pact: p, Accepted: &Acceptance{}}
		if h.State(p.Made) != Active {
			t.Fatal(h.State(p.Made))
		}
		h.Closed, h.ClosedBy = p.Made, p.Proposer.Member
		if h.Until() <= h.Closed {
			t.Fatalf("notice of %d days ends before it begins", p.NoticeDays)
		}
	})
}
