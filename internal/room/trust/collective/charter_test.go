package collective

import (
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/trusttest"
)

func FuzzCharter(f *testing.F) {
	c := Charter{V: 1, Name: "n", Text: "t", Founders: []member.Address{addressOf("a.test")}, Admit: 1, Made: trusttest.Noon}
	id, doc, err := document.Sign(CharterType, c, trusttest.SignerOf("a.test"))
	if err != nil {
		f.Fatal(err)
	}
	text, err := doc.Encode()
	if err != nil {
		f.Fatal(err)
	}
	if _, err := OpenCharter(trusttest.Types(), doc, id, trusttest.KeysOf("a.test"), false); err != nil {
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
		if c, err := OpenCharter(trusttest.Types(), env, document.ID(payload), trusttest.KeysOf("a.test"), true); err == nil && c.Check(trusttest.Types()) != nil {
			t.Fatalf("%+v", c)
		}
	})
}

func TestCharterNeedsAFounderBehindIt(t *testing.T) {
	c := Charter{V: 1, Name: "n", Text: "t", Founders: []member.Address{addressOf("a.test")}, Admit: 1, Made: trusttest.Noon}
	id, doc, err := document.Sign(CharterType, c, trusttest.SignerOf("x.test"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCharter(trusttest.Types(), doc, id, trusttest.KeysOf("a.test"), false); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("signed by a stranger: %v, want denied", err)
	}
	if _, err := OpenCharter(trusttest.Types(), doc, id, nil, true); err != nil {
		t.Errorf("a founder's logbook names it: %v", err)
	}
	if _, err := OpenCharter(trusttest.Types(), doc, document.ID([]byte("another")), nil, true); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("another id: %v, want invalid", err)
	}
}

func TestCharterCheck(t *testing.T) {
	good := func() Charter {
		return Charter{
			V: 1, Name: "Entre nous", Text: "…\n", Founders: []member.Address{addressOf("a.test"), addressOf("b.test")},
			Admit: 2, Grants: []core.Grant{trusttest.Login()}, Made: trusttest.Noon,
		}
	}
	if err := good().Check(trusttest.Types()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Charter){
		"nobody could join":      func(c *Charter) { c.Admit = 3 },
		"anybody could join":     func(c *Charter) { c.Admit = 0 },
		"a heavy grant":          func(c *Charter) { c.Grants = []core.Grant{store(1)} },
		"a founder twice":        func(c *Charter) { c.Founders[1] = c.Founders[0] },
		"no founder":             func(c *Charter) { c.Founders = nil },
		"a founder without root": func(c *Charter) { c.Founders[0].Root = core.RootKey{} },
	} {
		c := good()
		spoil(&c)
		if err := c.Check(trusttest.Types()); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func store(bytes int64) core.Grant { return trusttest.Store(bytes) }
