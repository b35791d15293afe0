package person_test

import (
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

func TestHandles(t *testing.T) {
	for text, want := range map[string]string{
		"alice": "alice", " Alice ": "alice", "jean.dupont": "jean.dupont", "a1": "a1", "marie-claire": "marie-claire",
		"a": "", "1a": "", "a.": "", ".a": "", "a..b": "", "a.-b": "", "al ice": "", "élise": "", "аlice": "", // the last begins with a Cyrillic letter
		"alice.a-example": "", "postmaster": "", "Root": "", "abcdefghijklmnopqrstuvwxyzabcde": "", "a/b": "", "a@b": "",
	} {
		got, err := person.ParseHandle(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

// No person of ours can take the handle of a visitor, whatever the two choose.
func TestNobodyOfOursIsCalledLikeAVisitor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		home := core.MemberID(rapid.StringMatching(`[a-z]{1,8}(-[a-z]{1,4})?\.[a-z]{2,8}(:[1-9][0-9]{2,3})?`).Draw(t, "home"))
		visitor, err := person.VisitorHandle(rapid.StringMatching(`[a-z][a-z0-9]{1,8}(\.[a-z]{1,8})?`).Draw(t, "handle"), home)
		if err != nil {
			t.Fatal(err)
		}
		if ours, err := person.ParseHandle(visitor); err == nil {
			t.Errorf("%q is taken as a handle of ours: %q", visitor, ours)
		}
	})
}

func TestMailAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"Alice@Chaton-A.test": "alice@chaton-a.test", "a+b@x.test": "a+b@x.test", "a@étoile.test": "a@xn--toile-9ra.test",
		"": "", "alice": "", "alice@localhost": "", "A <a@x.test>": "", "a@x.test, b@x.test": "", "\"a b\"@x.test": "", "аlice@x.test": "",
		"a@x.test\r\nBcc: b@x.test": "", "a@[127.0.0.1]": "",
	} {
		got, err := person.ParseMail(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestIDs(t *testing.T) {
	if id := person.NewID(); !id.Valid() || id == person.NewID() {
		t.Errorf("%q", id)
	}
	for _, bad := range []person.ID{"", "a", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxy1"} {
		if bad.Valid() {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}
