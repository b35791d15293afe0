package shard

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"entrechat/internal/core"
)

type key ed25519.PrivateKey

func (k key) Sign(msg []byte) []byte { return ed25519.Sign(ed25519.PrivateKey(k), msg) }

func (k key) public() ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

func testKey(b byte) key {
	return key(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize)))
}

func testHeader() Header {
	return Header{
		Owner: "ana.test", OwnerRoot: core.RootKey(testKey(9).public()), Object: ObjectID([]byte("sealed")), K: 2, N: 4,
		Sealed: 9, Label: []byte("age-encryption.org/v1"), Prune: PruneKey(testKey(8).public()), Made: 1_790_000_000_000_000,
	}.Of(1, []byte("fghi\x00"))
}

func TestHeadRoundTrip(t *testing.T) {
	signed, err := Sign(testHeader(), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	file := append(bytes.Clone(signed.Bytes()), "fghi\x00"...)
	for name, read := range map[string]func() (Head, error){
		"parse": func() (Head, error) { return Parse(file) },
		"read":  func() (Head, error) { return Read(bytes.NewReader(file)) },
	} {
		got, err := read()
		if err != nil {
			t.Fatal(name, err)
		}
		if !bytes.Equal(got.Bytes(), signed.Bytes()) || got.Size() != int64(len(file)-5) || !got.Same(signed.Header) || got.Made != signed.Made {
			t.Fatalf("%s: %+v, want %+v", name, got, signed)
		}
		if err := got.Verify(testKey(2).public(), testKey(1).public()); err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(testKey(2).public(), nil); core.CodeOf(err) != core.CodeDenied {
			t.Fatalf("another's key: %v", err)
		}
	}
	if err := (Head{}).Verify(testKey(1).public()); core.CodeOf(err) != core.CodeInvalid {
		t.Fatalf("an empty head verifies: %v", err)
	}
}

// No byte of the signed head can change unnoticed.
func TestHeadNoticesEveryByte(t *testing.T) {
	signed, err := Sign(testHeader(), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range signed.Bytes() {
		changed := bytes.Clone(signed.Bytes())
		changed[i] ^= 1
		if h, err := Parse(changed); err == nil && h.Verify(testKey(1).public()) == nil {
			t.Fatalf("byte %d %q may change", i, signed.Bytes()[i])
		}
	}
}

func TestHeaderCheck(t *testing.T) {
	for name, change := range map[string]func(*Header){
		"version":     func(h *Header) { h.V = 2 },
		"owner":       func(h *Header) { h.Owner = "../etc" },
		"no root key": func(h *Header) { h.OwnerRoot = core.RootKey{} },
		"no root":     func(h *Header) { h.Root = Hash{} },
		"k":           func(h *Header) { h.K = 0 },
		"n":           func(h *Header) { h.N = MaxShards + 1 },
		"index":       func(h *Header) { h.Index = h.N },
		"minus":       func(h *Header) { h.Index = -1 },
		"length":      func(h *Header) { h.Length++ },
		"empty":       func(h *Header) { h.Sealed, h.Length = 0, 0 },
		"huge":        func(h *Header) { h.Sealed, h.Length = MaxSealed+2, MaxSealed/2+1 },
		"label":       func(h *Header) { h.Label = make([]byte, MaxLabel+1) },
		"before 1970": func(h *Header) { h.Made = -1 },
	} {
		h := testHeader()
		change(&h)
		if _, err := Sign(h, testKey(1)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	signed, err := Sign(testHeader(), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	good := string(signed.Bytes())
	for name, text := range map[string]string{
		"nothing":        "",
		"another magic":  strings.Replace(good, "shard/1", "shard/2", 1),
		"no signature":   good[:strings.Index(good, "sig ")],
		"cut short":      good[:len(good)-1],
		"capitals":       good[:len(good)-sigLine] + strings.ToUpper(good[len(good)-sigLine:]),
		"unknown member": strings.Replace(good, `"v":1`, `"v":1,"w":1`, 1),
		"said twice":     strings.Replace(good, `"v":1`, `"v":1,"v":1`, 1),
		"too long":       strings.Replace(good, `"v":1`, `"v":1`+strings.Repeat(" ", MaxHead), 1),
		"upper-case id":  strings.Replace(good, signed.Object.String(), strings.ToUpper(signed.Object.String()), 1),
	} {
		if _, err := Parse([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSameIsAboutBytesAndRules(t *testing.T) {
	a, b := testHeader(), testHeader()
	b.Label, b.Made = []byte("another"), b.Made+1
	if !a.Same(b) {
		t.Error("a new label is another shard")
	}
	b.Prune = PruneKey{}
	if a.Same(b) {
		t.Error("another prune key is the same shard")
	}
	more := testHeader()
	more.N++
	if a.Same(more) {
		t.Error("a shard of another code is the same")
	}
	a.K, more.K = 1, 1
	if !a.Same(more) {
		t.Error("the same copy, of more, is another")
	}
}

func FuzzParse(f *testing.F) {
	signed, err := Sign(testHeader(), testKey(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed.Bytes())
	f.Add([]byte(Magic + "{}\nsig " + strings.Repeat("0", 128) + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Parse(b)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("%v is %s", err, core.CodeOf(err))
			}
			return
		}
		if !bytes.HasPrefix(b, h.Bytes()) || h.Check() != nil {
			t.Fatalf("%q parsed to %+v", b, h)
		}
		again, err := Parse(h.Bytes())
		if err != nil || !again.Same(h.Header) {
			t.Fatalf("its own bytes: %v", err)
		}
	})
}
