package format

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// cast is a member with fixed keys, for seeds of the corpus.
type cast struct {
	root   ed25519.PrivateKey
	signer seal.Signer
	keys   KeySet
	doc    seal.Envelope
}

func newCast(f testing.TB) cast {
	f.Helper()
	key := func(n byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	}
	c := cast{root: key(1), signer: seal.NewSigner("a.test", key(2))}
	c.keys = NewKeySet(c.signer, "https://a.test", 1)
	var err error
	if c.doc, err = c.keys.Sign(c.root); err != nil {
		f.Fatal(err)
	}
	c.keys.Root = rootOf(c.root)
	return c
}

func (c cast) head(f testing.TB, size int64, root byte) []byte {
	f.Helper()
	note, err := SignHead(c.signer, "a.test", tlog.Tree{N: size, Hash: tlog.Hash{root}}, 1_700_000_000_000_000)
	if err != nil {
		f.Fatal(err)
	}
	return note
}

func FuzzEntry(f *testing.F) {
	good, err := EncodeLeaf(Entry{Typ: "entrechat/test/1", Log: "a.test", Iat: 5, Exp: 9, Aud: []core.MemberID{"b.test"}}, map[string]int{"n": 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"iat"`), []byte(`"iss":"b.test","iat"`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseLeaf("a.test", 3, data)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("%v is no CodeInvalid", err)
			}
			return
		}
		if len(data) > MaxEntry || e.Log != "a.test" || !entryTyp.MatchString(e.Typ) || e.Hash != tlog.RecordHash(data) || len(e.Body) == 0 {
			t.Fatalf("%+v", e)
		}
		e.InForce(core.Moment(1 << 52))
	})
}

// FuzzHead: whatever is done to a signed head, it verifies only as what was signed.
func FuzzHead(f *testing.F) {
	c := newCast(f)
	good := c.head(f, 7, 1)
	f.Add(good)
	f.Add(append(bytes.Clone(good), "— b.test AAAAAAAA\n"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := OpenHead(c.keys, 1, data)
		if err != nil {
			return
		}
		if h.Tree.N != 7 || h.Tree.Hash != (tlog.Hash{1}) || h.Origin != "a.test" {
			t.Fatalf("%+v was never signed", h)
		}
		if h.Signed != 0 && h.Signed != 1_700_000_000_000_000 {
			t.Fatalf("time %d was never signed", h.Signed)
		}
		again, err := OpenHead(c.keys, 1, h.Note)
		if err != nil || again.Tree != h.Tree || again.Signed != h.Signed {
			t.Fatalf("what we keep of it reads otherwise: %v", err)
		}
	})
}

// FuzzFork: nobody is convicted but by two heads that contradict each other.
func FuzzFork(f *testing.F) {
	c := newCast(f)
	for _, heads := range [][2][]byte{{c.head(f, 7, 1), c.head(f, 7, 2)}, {c.head(f, 7, 1), c.head(f, 7, 1)}, {c.head(f, 5, 1), c.head(f, 7, 2)}} {
		data, err := wire.Encode(Fork{Origin: "a.test", Epoch: 1, KeySet: c.doc, A: string(heads[0]), B: string(heads[1])})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fork, err := DecodeFork(data)
		if err != nil || fork.Check(c.keys.Root, KeySet{}) != nil {
			return
		}
		a, erra := OpenHead(c.keys, 1, []byte(fork.A))
		b, errb := OpenHead(c.keys, 1, []byte(fork.B))
		if erra != nil || errb != nil || a.Tree.N != b.Tree.N || a.Tree.Hash == b.Tree.Hash {
			t.Fatalf("convicted by %q and %q", fork.A, fork.B) // no consistency proof can be found by chance
		}
	})
}

func FuzzHeads(f *testing.F) {
	f.Add([]byte(`{"store":"ABC","cursor":5,"heads":[{"member":"a.test","epoch":1,"version":2,"head":"a.test\n1\n"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeads(data)
		if err != nil {
			return
		}
		for _, item := range h.Heads {
			if !item.Member.Valid() || item.Epoch < 1 || len(item.Head) > MaxHead {
				t.Fatalf("%+v", item)
			}
			_, _ = Claim([]byte(item.Head))
		}
		if strings.ContainsAny(h.Store, "&?/#") {
			t.Fatalf("store %q would change a URL", h.Store)
		}
	})
}

func FuzzPost(f *testing.F) {
	c := newCast(f)
	data, err := wire.Encode(EntriesMessage{Epoch: 1, Head: string(c.head(f, 7, 1)), Entries: []string{"e30="}, KeySet: &c.doc})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, o, err := ParsePost(data); err == nil && (o.From < 0 || len(o.Entries) > PostEntries || o.Epoch < 1) {
			t.Fatalf("%+v", o)
		}
	})
}

func FuzzAddCheckpoint(f *testing.F) {
	c := newCast(f)
	f.Add("old 3\n" + HashText(tlog.Hash{9}) + "\n\n" + string(c.head(f, 7, 1)))
	f.Add("old 0\n\n" + string(c.head(f, 7, 1)))
	f.Fuzz(func(t *testing.T, body string) {
		r, err := ParseAddCheckpoint(body)
		if err == nil && (r.Old < 0 || r.Old > r.Claim.N || len(r.proof) > maxProofLines) {
			t.Fatalf("%+v", r)
		}
	})
}

func FuzzWellKnown(f *testing.F) {
	c := newCast(f)
	data, err := wire.Encode(WellKnown{Origin: "a.test", Root: c.keys.Root, KeySet: c.doc})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := ParseWellKnown(data)
		if err == nil && w.Root == c.keys.Root && w.URL != "https://a.test" {
			t.Fatalf("%+v", w)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	c := newCast(f)
	payload, err := c.doc.Unverified()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		// Signed by the right key, so that what is tried is the parser.
		doc, err := seal.SignDoc(TypKeySet, payload, seal.NewSigner("a.test", c.root))
		if err != nil {
			t.Fatal(err)
		}
		s, err := OpenKeySet(doc, "a.test", c.keys.Root)
		if err != nil {
			return
		}
		for epoch := int64(1); epoch <= s.Epoch(); epoch++ {
			if s.Base(epoch) < 0 {
				t.Fatalf("%+v", s)
			}
			_, _ = s.ClosedTree(epoch)
		}
		s.Good()
		s.Current()
		if _, err := OpenHead(s, 1, c.head(t, 7, 1)); err == nil && s.Keys[0].RevokedFrom != 0 && s.Keys[0].RevokedFrom < 7 && len(s.Keys) == 1 {
			t.Fatal("a revoked key still signs")
		}
	})
}
