package member

import (
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/trusttest"
)

func TestPin(t *testing.T) {
	m := Member{Address: addressOf("a.test"), Standing: Added}
	if err := m.pin(trusttest.RootOf("a.test")); err != nil {
		t.Error(err)
	}
	if err := m.pin(trusttest.RootOf("the new owner of the domain")); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("another root: %v, want conflict", err)
	}
}

func TestInvite(t *testing.T) {
	in := Invite{addressOf("a.test"), document.NewCode()}
	far := in
	far.URL = "http://127.0.0.1:7101"
	for _, want := range []Invite{in, far} {
		link := want.String()
		for _, pasted := range []string{link, "  " + link + "\n", link[:40] + "\r\n " + link[40:]} {
			got, err := ParseInvite(pasted)
			if err != nil || got != want {
				t.Errorf("%q: %+v %v", pasted, got, err)
			}
		}
		for i := range len(link) - len(invitePrefix) {
			if cut, err := ParseInvite(link[:len(invitePrefix)+i]); err == nil && cut.Code != want.Code {
				t.Errorf("a cut link is taken: %q", link[:len(invitePrefix)+i])
			}
		}
	}
}

func FuzzInvite(f *testing.F) {
	f.Add(Invite{addressOf("a.test"), "AAAAAAAAAAAAAAAAAAAAAAAAAA"}.String())
	f.Add("entrechat:invite/1/a.test/x/y")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := ParseInvite(s)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, err := ParseInvite(in.String()); err != nil || again != in {
			t.Fatalf("%+v, then %+v %v", in, again, err)
		}
	})
}
