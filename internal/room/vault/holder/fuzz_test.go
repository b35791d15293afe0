package holder

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/shard"
)

const ana, bo, eve = core.MemberID("ana.test"), core.MemberID("bo.test"), core.MemberID("eve.test")

func pruneKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func testSigner() seal.Signer { return seal.NewSigner(bo, pruneKey()) }

// refused fails when a parser blames anybody but the writer of the bytes.
func refused(t *testing.T, err error) {
	t.Helper()
	if code := core.CodeOf(err); code != core.CodeInvalid && code != core.CodeDenied {
		t.Fatalf("%v is %s", err, code)
	}
}

func FuzzParsePage(f *testing.F) {
	h := shard.Header{
		Owner: ana, OwnerRoot: core.RootKey{1}, Object: shard.Hash{2}, K: 1, N: 1, Sealed: 3, Label: []byte("x"), Made: 1,
	}.Of(0, []byte("abc"))
	head, err := shard.Sign(h, testSigner())
	if err != nil {
		f.Fatal(err)
	}
	e := Entry{Head: head, Received: 5}
	f.Add(EncodePage(Page{Shards: []Entry{e}, Used: 7}))
	f.Add(EncodePage(Page{Shards: []Entry{e, e}, Next: head.Name()}))
	f.Add([]byte(pageMagic + " 0 0 -\n"))
	f.Add([]byte(pageMagic + " 1000 0 -\nheld 0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		page, err := parsePage(b)
		if err != nil {
			refused(t, err)
			return
		}
		if again := EncodePage(page); !bytes.Equal(again, b) {
			t.Fatalf("%q read and written is %q", b, again)
		}
		_ = page.check(ana, "", bo)
	})
}

// The documents: whatever was signed, reading it never panics and what is
// accepted agrees with itself.
func FuzzDocuments(f *testing.F) {
	s := testSigner()
	receipt, err := SignReceipt(Receipt{Owner: ana, Object: shard.Hash{1}, Root: shard.Hash{2}, Length: 3, Received: 4, Nonce: "n"}, s)
	if err != nil {
		f.Fatal(err)
	}
	stone, err := SignTombstone(bo, pruneKey(), []shard.Hash{{1}, {2}}, 9)
	if err != nil {
		f.Fatal(err)
	}
	readers, err := SignReaders([]core.MemberID{eve}, 3, s)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range []seal.Envelope{receipt.Document, stone.Document, readers.Document} {
		payload, err := e.Unverified()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Add([]byte(`{"owner":"bo.test","objects":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		keys := mustPublic(s)
		if e, err := seal.SignDoc(receiptType, payload, s); err == nil {
			if r, err := ReadReceipt(e, bo, keys); err != nil {
				refused(t, err)
			} else if r.Holder != bo {
				t.Fatalf("receipt of %s", r.Holder)
			}
		}
		if e, err := seal.SignDoc(tombstoneType, payload, s); err == nil {
			if st, err := ReadTombstone(e); err != nil {
				refused(t, err)
			} else if st.check() != nil || st.Owner != bo {
				t.Fatalf("tombstone %+v", st)
			}
		}
		if e, err := seal.SignDoc(readersType, payload, s); err == nil {
			if r, err := ReadReaders(e, bo, keys); err != nil {
				refused(t, err)
			} else if r.check() != nil || r.Owner != bo {
				t.Fatalf("readers %+v", r)
			}
		}
		if e, err := seal.DecodeEnvelope(payload); err == nil {
			_, terr := ReadTombstone(e)
			_, rerr := ReadReceipt(e, bo, keys)
			if terr == nil && rerr == nil {
				t.Fatal("one document is two things")
			}
		}
	})
}

// Whatever a holder answers to an audit, only the true bytes pass.
func FuzzProof(f *testing.F) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 5*Group/16+3)
	ref := Ref{Owner: ana, Object: shard.Hash{1}, Root: shard.SumsOf(data).Root, Length: int64(len(data))}
	for _, off := range []int64{0, 3 * Group, 5 * Group} {
		proof, _, root := proofOf(f, data, off)
		if root != ref.Root {
			f.Fatal("another root")
		}
		f.Add(proof.Slice, proof.Offset)
	}
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, slice []byte, off int64) {
		got, err := Proof{Offset: off, Slice: slice}.Check(ref, bo)
		if err != nil {
			refused(t, err)
			return
		}
		start, n := GroupAt(ref.Length, off)
		if !bytes.Equal(got, data[start:start+n]) {
			t.Fatalf("at %d: other bytes pass", off)
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("0000000000000000000000000000000000000000000000000000000000000000.0")
	f.Add("../x.1")
	f.Fuzz(func(t *testing.T, s string) {
		object, index, err := ParseName(s)
		if err != nil {
			refused(t, err)
			return
		}
		if (Ref{Object: object, Index: index}).Name() != s {
			t.Fatalf("%q has two names", s)
		}
	})
}

func TestNamesThatAreNone(t *testing.T) {
	o := strings.Repeat("ab", 32)
	for _, s := range []string{"", ".", o, o + ".", o + ".64", o + ".-1", o + ".01", o + ".+1", o[1:] + ".0", "../" + o[3:] + ".0", strings.ToUpper(o) + ".0", o + ".0/x", o + ".0.0"} {
		if _, _, err := ParseName(s); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q is a name", s)
		}
	}
}

func mustPublic(s seal.Signer) []ed25519.PublicKey { return []ed25519.PublicKey{s.Public()} }
