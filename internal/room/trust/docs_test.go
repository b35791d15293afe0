package trust

import (
	"crypto/ed25519"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// signerOf is a node's online key, always the same for one name.
func signerOf(id core.MemberID) seal.Signer { return seal.NewSigner(id, keyFrom(string(id))) }

func keysOf(ids ...core.MemberID) Keys {
	out := Keys{}
	for _, id := range ids {
		out[id] = []ed25519.PublicKey{signerOf(id).Public()}
	}
	return out
}

// signed is a pact of a.test and b.test in force.
func signed(t testing.TB, change func(*Pact)) Offer {
	t.Helper()
	p := pactOf([]core.Grant{store(200)}, []core.Grant{store(100)})
	if change != nil {
		change(&p)
	}
	id, doc, err := sign(PactType, p, signerOf("a.test"))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.AddSignature(signerOf("b.test")); err != nil {
		t.Fatal(err)
	}
	_, acceptance, err := sign(AcceptType, Acceptance{V: 1, Pact: id, Accepter: "b.test", At: noon}, signerOf("b.test"))
	if err != nil {
		t.Fatal(err)
	}
	return Offer{Pact: doc, Acceptance: &acceptance}
}

func TestOfferOpen(t *testing.T) {
	both := keysOf("a.test", "b.test")
	o, err := signed(t, nil).Open(both)
	if err != nil || o.Accept == nil || len(o.Signers) != 2 {
		t.Fatalf("%+v %v", o, err)
	}
	for name, spoil := range map[string]func(*Offer){
		"one signature only":    func(o *Offer) { o.Pact.Signatures = o.Pact.Signatures[:1] },
		"no proposer signature": func(o *Offer) { o.Pact.Signatures = o.Pact.Signatures[1:] },
		"forged signature":      func(o *Offer) { o.Pact.Signatures[1].Sig = o.Pact.Signatures[0].Sig },
		"another text":          func(o *Offer) { o.Pact.Payload = signed(t, func(p *Pact) { p.NoticeDays = 7 }).Pact.Payload },
		"another's acceptance": func(o *Offer) {
			o.Acceptance = signed(t, func(p *Pact) { p.NoticeDays = 7 }).Acceptance
		},
		"acceptance by the proposer": func(o *Offer) {
			a := Acceptance{V: 1, Pact: "x", Accepter: "b.test", At: noon}
			_, doc, err := sign(AcceptType, a, signerOf("a.test"))
			if err != nil {
				t.Fatal(err)
			}
			o.Acceptance = &doc
		},
		"the pact as its own acceptance": func(o *Offer) { o.Acceptance = &o.Pact },
	} {
		o := signed(t, nil)
		spoil(&o)
		if got, err := o.Open(both); err == nil {
			t.Errorf("%s is taken: %+v", name, got)
		}
	}
}

func FuzzOffer(f *testing.F) {
	text, err := wire.Encode(signed(f, nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	keys := keysOf("a.test", "b.test")
	f.Fuzz(func(t *testing.T, text []byte) {
		var o Offer
		if wire.Decode(text, &o) != nil {
			return
		}
		if in, err := o.Open(keys); err == nil && in.Pact.Check() != nil {
			t.Fatalf("%+v", in)
		}
	})
}

// FuzzPact reads payloads as if their signatures held.
func FuzzPact(f *testing.F) {
	text, err := wire.Encode(pactOf([]core.Grant{store(200)}, []core.Grant{{Kind: core.GrantLogin, Services: []string{"pad"}}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Pact
		if wire.Decode(text, &p) != nil || p.Check() != nil {
			return
		}
		h := Held{ID: docID(text), Pact: p, Accepted: &Acceptance{}}
		if h.State(p.Made) != Active {
			t.Fatal(h.State(p.Made))
		}
		h.Closed, h.ClosedBy = p.Made, p.Proposer.Member
		if h.Until() <= h.Closed {
			t.Fatalf("notice of %d days ends before it begins", p.NoticeDays)
		}
	})
}

func FuzzCharter(f *testing.F) {
	c := Charter{V: 1, Name: "n", Text: "t", Founders: []Address{addressOf("a.test")}, Admit: 1, Made: noon}
	id, doc, err := sign(CharterType, c, signerOf("a.test"))
	if err != nil {
		f.Fatal(err)
	}
	text, err := doc.Encode()
	if err != nil {
		f.Fatal(err)
	}
	if _, err := OpenCharter(doc, id, keysOf("a.test"), false); err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		env, err := seal.DecodeEnvelope(text)
		if err != nil {
			return
		}
		payload, err := env.Unverified()
		if err != nil {
			return
		}
		if c, err := OpenCharter(env, docID(payload), keysOf("a.test"), true); err == nil && c.Check() != nil {
			t.Fatalf("%+v", c)
		}
	})
}

func TestCharterNeedsAFounderBehindIt(t *testing.T) {
	c := Charter{V: 1, Name: "n", Text: "t", Founders: []Address{addressOf("a.test")}, Admit: 1, Made: noon}
	id, doc, err := sign(CharterType, c, signerOf("x.test"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCharter(doc, id, keysOf("a.test"), false); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("signed by a stranger: %v, want denied", err)
	}
	if _, err := OpenCharter(doc, id, nil, true); err != nil {
		t.Errorf("a founder's logbook names it: %v", err)
	}
	if _, err := OpenCharter(doc, docID([]byte("another")), nil, true); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("another id: %v, want invalid", err)
	}
}

// hello is a greeting of the member by, with its own key set.
func hello(t testing.TB, h Hello, by core.MemberID) Greeting {
	t.Helper()
	_, doc, err := sign(HelloType, h, signerOf(by))
	if err != nil {
		t.Fatal(err)
	}
	return Greeting{Keys: keySet(t, by, "https://"+string(by), keyFrom("root of "+string(by))), Hello: doc}
}

func TestGreetingOpen(t *testing.T) {
	good := Hello{V: 1, From: "b.test", To: "a.test", At: noon, Code: newCode()}
	for _, c := range []struct {
		name   string
		change func(*Hello)
		by     core.MemberID
		want   core.Code
	}{
		{"good", func(*Hello) {}, "b.test", ""},
		{"no code", func(h *Hello) { h.Code = "" }, "b.test", ""},
		{"for somebody else", func(h *Hello) { h.To = "c.test" }, "b.test", core.CodeInvalid},
		{"in another's name", func(h *Hello) { h.From = "c.test" }, "b.test", core.CodeInvalid},
		{"an hour old", func(h *Hello) { h.At = noon - 3_600_000_000 }, "b.test", core.CodeInvalid},
		{"of tomorrow", func(h *Hello) { h.At = noon.Add(day) }, "b.test", core.CodeInvalid},
		{"a code that is none", func(h *Hello) { h.Code = "'; --" }, "b.test", core.CodeInvalid},
	} {
		h := good
		c.change(&h)
		if _, _, err := hello(t, h, c.by).Open("a.test", noon); core.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	stolen := hello(t, good, "b.test")
	stolen.Keys = hello(t, good, "c.test").Keys
	if _, _, err := stolen.Open("a.test", noon); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("under another key set: %v, want denied", err)
	}
}

func FuzzGreeting(f *testing.F) {
	text, err := wire.Encode(hello(f, Hello{V: 1, From: "b.test", To: "a.test", At: noon}, "b.test"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var g Greeting
		if wire.Decode(text, &g) != nil {
			return
		}
		if a, h, err := g.Open("a.test", noon); err == nil && (a.Member != h.From || h.To != "a.test") {
			t.Fatalf("%+v %+v", a, h)
		}
	})
}
