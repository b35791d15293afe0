package heir

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"

	"entrechat/internal/core"
)

func testPointer(t testing.TB) Pointer {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return Pointer{
		Owner: "chaton-a.test", Backup: "wiki", Password: "hidden-word", Identity: key.String(), Made: 5, Root: core.RootKey{1},
		Members: []Place{{"chaton-b.test", "https://b.test"}, {"chaton-c.test", "https://c.test"}},
	}
}

func TestPointerIsReadStrictly(t *testing.T) {
	p := testPointer(t)
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Read(text); err != nil || got.Password != p.Password || len(got.Members) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for what, spoil := range map[string]func(*Pointer){
		"owner":      func(p *Pointer) { p.Owner = "no member" },
		"backup":     func(p *Pointer) { p.Backup = "../mail" },
		"password":   func(p *Pointer) { p.Password = "two\nlines" },
		"no word":    func(p *Pointer) { p.Password = "" },
		"identity":   func(p *Pointer) { p.Identity = strings.ToLower(p.Identity) },
		"recipient":  func(p *Pointer) { p.Identity = "age1ylzqkmczzf4qr4qenk36kkz02qt96z8a4ygz3vnnk8zlglqzxf5sp7xrll" },
		"made":       func(p *Pointer) { p.Made = 0 },
		"root":       func(p *Pointer) { p.Root = core.RootKey{} },
		"twice":      func(p *Pointer) { p.Members[1] = p.Members[0] },
		"no address": func(p *Pointer) { p.Members[0].URL = "https://b.test/ x" },
	} {
		bad := testPointer(t)
		spoil(&bad)
		if _, err := bad.Encode(); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, text := range []string{"", "{}", strings.Replace(string(text), `"v":1`, `"v":2`, 1), strings.Replace(string(text), `"v":1`, `"v":1,"more":1`, 1), string(text) + " {}"} {
		if _, err := Read([]byte(text)); core.CodeOf(err) != core.CodeInvalid || strings.Contains(err.Error(), p.Password) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if said := fmt.Sprintf("%v %#v", p, p); strings.Contains(said, p.Password) || strings.Contains(said, p.Identity) {
		t.Error("the secret is printed")
	}
}

// Many long addresses never make it too long for a reader.
func TestPointerStaysShort(t *testing.T) {
	p := testPointer(t)
	for i := range 100 {
		p.Members = append(p.Members, Place{core.MemberID(fmt.Sprintf("m%d.test", i)), "https://" + strings.Repeat("x", 400)})
	}
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(text)
	if err != nil || len(got.Members) < 20 || got.Members[0].Member != "chaton-b.test" {
		t.Errorf("%d bytes, %d members, %v", len(text), len(got.Members), err)
	}
}

func FuzzPointer(f *testing.F) {
	text, err := testPointer(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(data)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		again, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		other, err := Read(again)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := other.Encode(); err != nil || !bytes.Equal(twice, again) {
			t.Fatalf("%s, %v", twice, err)
		}
	})
}
