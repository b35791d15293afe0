// Package trusttest is what the tests of this room share: keys, moments, a printer.
// Only tests import it.
package trusttest

import (
	"crypto/ed25519"
	"embed"
	"io/fs"
	"os"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
)

//go:embed testdata/words
var testdata embed.FS

// Words are the sentences of the promises that another room would hand over.
func Words() fs.FS {
	sub, err := fs.Sub(testdata, "testdata")
	if err != nil {
		panic(err)
	}
	return sub
}

// The promises of other rooms.
const (
	KindStore core.GrantKind = "store"
	KindWatch core.GrantKind = "watch"
	KindLogin core.GrantKind = "login"

	KindCustody core.GrantKind = "custody"
)

// Types are the promises a house knows that has every room.
func Types() grant.Types {
	return append(grant.Types{{
		Kind: KindStore, Words: "test.grant.store.", Fetchable: true, InForm: true, Usual: "200GB",
		Fields: []core.GrantField{
			{Name: "bytes", Unit: core.UnitBytes, Least: 1, Most: grant.MaxAmount, Place: "Size"},
			{Name: "rate_bits_s", Unit: core.UnitRate, Most: grant.MaxAmount, Place: "Rate", Suffix: "_rate"},
		},
	}, {
		Kind: KindWatch, Words: "test.grant.watch.", Light: true, InForm: true,
		Fields: []core.GrantField{{Name: "every_s", Unit: core.UnitSeconds, Least: 10, Most: 86400, Place: "Every"}},
	}, {
		Kind: KindLogin, Words: "test.grant.login.", Light: true,
		Fields: []core.GrantField{{Name: "services", Unit: core.UnitNames, Most: 100, Place: "Services", Suffix: "_some"}},
	}, {
		Kind: KindCustody, Words: "test.grant.custody.", Fetchable: true,
	}}, grant.Planned()...)
}

// Store promises room for backups.
func Store(bytes int64) core.Grant { return Grant(KindStore, "bytes", bytes) }

// Grant is a promise with one amount.
func Grant(kind core.GrantKind, field string, amount int64) core.Grant {
	return core.Grant{Kind: kind, Amounts: map[string]int64{field: amount}}
}

// Login promises the services of these names, or all.
func Login(services ...string) core.Grant {
	g := core.Grant{Kind: KindLogin}
	if len(services) > 0 {
		g.Names = map[string][]string{"services": services}
	}
	return g
}

// Printer speaks a language with the words below a folder.
func Printer(t *testing.T, dir, lang string) *words.Printer {
	t.Helper()
	c, err := words.New(os.DirFS(dir), Words())
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
