// Package trusttest is what the tests of this room share: keys, moments, a printer.
// Only tests import it.
package trusttest

import (
	"crypto/ed25519"
	"os"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/document"
)

// Printer speaks a language with the words below a folder.
func Printer(t *testing.T, dir, lang string) *words.Printer {
	t.Helper()
	c, err := words.New(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer(lang)
}

// SignerOf is a node's online key, always the same for one name.
func SignerOf(id core.MemberID) seal.Signer { return seal.NewSigner(id, KeyFrom(string(id))) }

// KeysOf are the keys of nodes whose online keys are SignerOf.
func KeysOf(ids ...core.MemberID) document.Keys {
	out := document.Keys{}
	for _, id := range ids {
		out[id] = []ed25519.PublicKey{SignerOf(id).Public()}
	}
	return out
}

// Noon is when most of it happens.
const Noon = core.Moment(1_800_000_000_000_000)

// RootOf is a made-up root key, one for each name.
func RootOf(name string) core.RootKey {
	var k core.RootKey
	copy(k[:], name)
	return k
}

// Must ends the test for an error.
func Must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// OK ends the test for an error.
func OK(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// KeyFrom is an Ed25519 key, always the same for one text.
func KeyFrom(text string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, text)
	return ed25519.NewKeyFromSeed(seed)
}

// PublicRoot is the public half of a root key.
func PublicRoot(k ed25519.PrivateKey) core.RootKey {
	public, _ := k.Public().(ed25519.PublicKey) // crypto/ed25519 promises it
	return core.RootKey(public)
}

// KeySet is the root-signed key set of a node whose online key is SignerOf(id).
func KeySet(t testing.TB, id core.MemberID, url string, root ed25519.PrivateKey) seal.Envelope {
	t.Helper()
	set := logbook.KeySet{Origin: id, Version: 1, URL: url, Keys: []logbook.Key{format.NewKey(SignerOf(id).Public())}}
	doc, err := set.Sign(root)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
