package ask

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/share"
)

func newSigner(t testing.TB, id core.MemberID) seal.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewSigner(id, key)
}

// anAsk is one that is well formed, with what opens its shares.
func anAsk(t testing.TB, deal share.ID) (Ask, *age.X25519Identity) {
	t.Helper()
	to, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return Ask{
		Deal: deal, Owner: "chaton-a.test", Scope: "root", Reason: LostOwn, Role: AsMember, Asker: "chaton-b.test",
		Recipient: to.Recipient().String(), Made: made, Expires: made.Add(60 * day), Purpose: "L'incendie du 30.",
	}, to
}

func aDeal(t testing.TB) share.ID {
	t.Helper()
	id, err := share.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAskIsWhatItSays(t *testing.T) {
	b := newSigner(t, "chaton-b.test")
	a, _ := anAsk(t, aDeal(t))
	first, err := Sign(a, b)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Read(first.Document)
	if err != nil || read.ID != first.ID || read.Ask != first.Ask || read.Verify([]ed25519.PublicKey{b.Public()}) != nil {
		t.Errorf("read back: %+v, %v", read, err)
	}
	if err := read.Verify([]ed25519.PublicKey{newSigner(t, "x.test").Public()}); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("another's key: %v", err)
	}
	if strings.Count(first.Words(), " ") != 5 {
		t.Errorf("words %q", first.Words())
	}
	// The same ask to another recipient is another ask.
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	swapped := a
	swapped.Recipient = other.Recipient().String()
	if second, err := Sign(swapped, b); err != nil || second.ID == first.ID {
		t.Errorf("a changed recipient has the same id, %v", err)
	}
}

// An ask that names a decision is of the second version, all others are of the first, as they
// always were.
func TestVersions(t *testing.T) {
	b := newSigner(t, "chaton-b.test")
	plain, _ := anAsk(t, aDeal(t))
	named := plain
	named.Decision = strings.Repeat("5a", 32)
	for version, a := range map[int64]Ask{1: plain, 2: named} {
		s, err := Sign(a, b)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Read(s.Document)
		if err != nil || read.V != version || read.Decision != a.Decision {
			t.Errorf("version %d: %+v, %v", version, read.Ask, err)
		}
		// The same with the other number is none.
		s.V = 3 - version
		payload, err := wire.Encode(s.Ask)
		if err != nil {
			t.Fatal(err)
		}
		env, err := seal.SignDoc(Type, payload, b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(env); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("version %d called %d: %v", version, s.V, err)
		}
	}
	// What a node of before wrote opens still.
	old := `{"v":1,"deal":"00112233445566778899aabbccddeeff","owner":"chaton-a.test","scope":"root","reason":"lost-own","role":"member","asker":"chaton-b.test",` +
		`"recipient":"age1ylzqkmczzf4qr4qenk36kkz02qt96z8a4ygz3vnnk8zlglqzxf5sp7xrll","nonce":"ABCDEFGHIJKLMNOPQRSTUVWXYZ","made_us":1796000000000000,"expires_us":1797000000000000}`
	env, err := seal.SignDoc(Type, []byte(old), b)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Read(env); err != nil || s.Decision != "" || s.Verify([]ed25519.PublicKey{b.Public()}) != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAskRefused(t *testing.T) {
	b := newSigner(t, "chaton-b.test")
	for name, change := range map[string]func(*Ask){
		"no deal":             func(a *Ask) { a.Deal = "x" },
		"no reason":           func(a *Ask) { a.Reason = "urgent" },
		"no scope":            func(a *Ask) { a.Scope = "root\n" },
		"a rehearsal of root": func(a *Ask) { a.Reason = Rehearsal },
		"for real, a dummy":   func(a *Ask) { a.Scope = "rehearsal" },
		"no recipient":        func(a *Ask) { a.Recipient = "age1x" },
		"upper case":          func(a *Ask) { a.Recipient = strings.ToUpper(a.Recipient) },
		"ends before":         func(a *Ask) { a.Expires = a.Made },
		"open for a year":     func(a *Ask) { a.Expires = a.Made.Add(365 * day) },
		"turns the reading":   func(a *Ask) { a.Purpose = "x\u202ey" },
		"colours":             func(a *Ask) { a.Purpose = "\x1b[31m" },
		"a novel":             func(a *Ask) { a.Purpose = strings.Repeat("x", maxPurpose+1) },
		"no owner":            func(a *Ask) { a.Owner = "" },
		"no decision":         func(a *Ask) { a.Decision = "the one of May" },
		"another role":        func(a *Ask) { a.Role = "boss" },
		"a key too many":      func(a *Ask) { a.Key = base64.StdEncoding.EncodeToString(b.Public()) },
		"a domain for other":  func(a *Ask) { a.Role, a.Key = AsDomain, base64.StdEncoding.EncodeToString(b.Public()) },
	} {
		a, _ := anAsk(t, aDeal(t))
		change(&a)
		if _, err := Sign(a, b); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDomainAsk: an ask without a member's key holds only against the key it names.
func TestDomainAsk(t *testing.T) {
	a, _ := anAsk(t, aDeal(t))
	key := newSigner(t, a.Owner)
	a.Role, a.Asker, a.Key = AsDomain, a.Owner, base64.StdEncoding.EncodeToString(key.Public())
	s, err := Sign(a, key)
	if err != nil || s.Verify(nil) != nil {
		t.Fatalf("%v, %v", err, s.Verify(nil))
	}
	forged, err := Sign(a, newSigner(t, a.Owner))
	if err != nil || core.CodeOf(forged.Verify([]ed25519.PublicKey{key.Public()})) != core.CodeDenied {
		t.Errorf("another key signed: %v", err)
	}
}

func TestTimely(t *testing.T) {
	a, _ := anAsk(t, aDeal(t))
	for at, want := range map[core.Moment]core.Code{
		made: "", made.Add(-9 * 60e9): "", made.Add(-hour): core.CodeDenied, made.Add(60 * day): core.CodeDenied, made.Add(60*day - 1e3): "",
	} {
		err := a.Timely(at)
		if got := core.CodeOf(err); got != want {
			t.Errorf("%s: %v", at.Time(), err)
		}
	}
}

func TestWordStrength(t *testing.T) {
	seed, err := seal.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	online := newSigner(t, "chaton-a.test")
	root := seal.NewSigner("chaton-a.test", seed.RootKey())
	id := hash([]byte("an ask"))
	for want, by := range map[Strength]seal.Signer{ByNode: online, ByRoot: root} {
		env, err := SignWord(Word{Ask: id, Kind: Stop, At: made}, by)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ReadWord(env)
		if err != nil || w.Ask != id || w.By != "chaton-a.test" {
			t.Fatalf("%+v, %v", w, err)
		}
		if got, err := w.Said(env, []ed25519.PublicKey{online.Public()}, seed.Root()); err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
		if _, err := w.Said(env, []ed25519.PublicKey{newSigner(t, "x.test").Public()}, core.RootKey{1}); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a stranger's: %v", err)
		}
	}
	if _, err := SignWord(Word{Ask: id, Kind: "hurry", At: made}, online); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("an unknown kind: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	a, _ := anAsk(f, aDeal(f))
	s, err := Sign(a, newSigner(f, a.Asker))
	if err != nil {
		f.Fatal(err)
	}
	text, err := s.Document.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	word, err := SignWord(Word{Ask: s.ID, Kind: Stop, At: made}, newSigner(f, a.Asker))
	if err != nil {
		f.Fatal(err)
	}
	if text, err = word.Encode(); err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		env, err := seal.DecodeEnvelope(text)
		if err != nil {
			return
		}
		for _, err := range []error{second(Read(env)), second(ReadWord(env))} {
			if e, ok := errors.AsType[*core.Error](err); err != nil && (!ok || e.Code != core.CodeInvalid) {
				t.Fatalf("%v", err)
			}
		}
		if s, err := Read(env); err == nil {
			if len(s.ID) != 64 || s.check() != nil {
				t.Fatalf("%+v", s)
			}
			_ = s.Verify(nil)
		}
	})
}

func second[T any](_ T, err error) error { return err }
