package member

import (
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/trusttest"
)

// hello is a greeting of the member by, with its own key set.
func hello(t testing.TB, h Hello, by core.MemberID) Greeting {
	t.Helper()
	_, doc, err := document.Sign(HelloType, h, trusttest.SignerOf(by))
	if err != nil {
		t.Fatal(err)
	}
	return Greeting{Keys: trusttest.KeySet(t, by, "https://"+string(by), trusttest.KeyFrom("root of "+string(by))), Hello: doc}
}

func TestGreetingOpen(t *testing.T) {
	good := Hello{V: 1, From: "b.test", To: "a.test", At: trusttest.Noon, Code: document.NewCode()}
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
		{"an hour old", func(h *Hello) { h.At = trusttest.Noon - 3_600_000_000 }, "b.test", core.CodeInvalid},
		{"of tomorrow", func(h *Hello) { h.At = trusttest.Noon.Add(day) }, "b.test", core.CodeInvalid},
		{"a code that is none", func(h *Hello) { h.Code = "'; --" }, "b.test", core.CodeInvalid},
	} {
		h := good
		c.change(&h)
		if _, _, err := hello(t, h, c.by).Open("a.test", trusttest.Noon); core.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	stolen := hello(t, good, "b.test")
	stolen.Keys = hello(t, good, "c.test").Keys
	if _, _, err := stolen.Open("a.test", trusttest.Noon); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("under another key set: %v, want denied", err)
	}
}

func FuzzGreeting(f *testing.F) {
	text, err := wire.Encode(hello(f, Hello{V: 1, From: "b.test", To: "a.test", At: trusttest.Noon}, "b.test"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var g Greeting
		if wire.Decode(text, &g) != nil {
			return
		}
		if a, h, err := g.Open("a.test", trusttest.Noon); err == nil && (a.Member != h.From || h.To != "a.test") {
			t.Fatalf("%+v %+v", a, h)
		}
	})
}
