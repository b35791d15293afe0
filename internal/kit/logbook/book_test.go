package logbook_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// hoster is one member with a real server.
type hoster struct {
	id     core.MemberID
	root   ed25519.PrivateKey
	signer seal.Signer
	db     *db.DB
	book   *logbook.Book
	server *httptest.Server
	client *peer.Client
	clock  *clock
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (h *hoster) rootKey() core.RootKey {
	return core.RootKey(h.root.Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // ed25519 promises it
}

// found makes a member with an open log.
func found(t *testing.T, id core.MemberID, d *db.DB, c *clock) *hoster {
	t.Helper()
	h := bare(t, id, d, c, newKey(t))
	keys := logbook.KeySet{Origin: id, Version: 1, URL: h.server.URL, Keys: []logbook.Key{logbook.NewKey(h.signer.Public())}}
	doc, err := keys.Sign(h.root)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.book.Init(t.Context(), doc, h.rootKey()); err != nil {
		t.Fatal(err)
	}
	return h
}

// bare makes a member without a log, as before a recovery.
func bare(t *testing.T, id core.MemberID, d *db.DB, c *clock, root ed25519.PrivateKey) *hoster {
	t.Helper()
	h := &hoster{id: id, root: root, signer: seal.NewSigner(id, newKey(t)), db: d, clock: c}
	quiet := slog.New(slog.DiscardHandler)
	h.book = logbook.New(logbook.Needs{DB: d, Signer: h.signer, Now: c.Now, Log: quiet, Boot: string(id)})
	n := peer.Needs{Signer: h.signer, Keyring: h.book, Private: true, Now: c.Now, Log: quiet}
	h.client = peer.NewClient(n)
	h.book.Connect(h.client)
	h.server = httptest.NewServer(peer.NewHandler(n, h.book.Routes()))
	t.Cleanup(h.server.Close)
	return h
}

func sqlite(t *testing.T) *db.DB { return dbtest.SQLite(t, "logbook", logbook.Migrations()) }

func (h *hoster) say(t *testing.T, n int) logbook.Entry {
	t.Helper()
	e, err := h.book.Append(t.Context(), "entrechat/test/1", nil, 0, map[string]int{"n": n})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (h *hoster) meet(t *testing.T, others ...*hoster) {
	t.Helper()
	for _, o := range others {
		known, err := h.book.Discover(t.Context(), o.server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.book.Adopt(t.Context(), known); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendMirrorDeliverOnBothEngines(t *testing.T) {
	dbtest.Each(t, "logbook", logbook.Migrations(), func(t *testing.T, d *db.DB) {
		c := &clock{time.Now()}
		a, b := found(t, "chaton-a.test", d, c), found(t, "chaton-b.test", sqlite(t), c)
		for i := range 5 {
			a.say(t, i)
		}
		b.meet(t, a)
		a.meet(t, b)
		if err := a.book.Push(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.say(t, 5)
		if err := b.book.PullFrom(t.Context(), a.id, 0); err != nil {
			t.Fatal(err)
		}
		var heard []int64
		reader := logbook.Reader{Name: "r", Types: []string{"entrechat/test/1"}, Read: func(_ context.Context, e logbook.Entry) error {
			heard = append(heard, e.Index)
			return nil
		}}
		for range 2 {
			if err := b.book.Deliver(t.Context(), []logbook.Reader{reader}); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(heard) != "[1 2 3 4 5 6]" {
			t.Fatalf("b was told %v", heard)
		}
		for _, h := range []*hoster{a, b} {
			if size, err := h.book.Verify(t.Context(), a.id); size != 7 || err != nil {
				t.Fatalf("%s holds %d of a, %v", h.id, size, err)
			}
		}
		m, err := b.book.Member(t.Context(), a.id)
		if err != nil || m.State != logbook.Fresh {
			t.Fatal(m, err)
		}
		c.now = c.now.Add(49 * time.Hour)
		if m, err = b.book.Member(t.Context(), a.id); err != nil || m.State != logbook.NotHeard {
			t.Fatal(m, err)
		}
	})
}

func TestTorchwoodReadsOurLog(t *testing.T) {
	c := &clock{time.Now()}
	a, b, w := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", sqlite(t), c), found(t, "chaton-c.test", sqlite(t), c)
	for i := range 300 { // more than one full tile
		a.say(t, i)
	}
	for _, h := range []*hoster{b, w} {
		h.meet(t, a)
		if err := h.book.PullFrom(t.Context(), a.id, 0); err != nil {
			t.Fatal(err)
		}
	}
	a.meet(t, b, w)
	a.say(t, 300)
	if err := a.book.Push(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Only standard pieces from here: fetcher, policy, client, offline proof.
	fetcher, err := torchwood.NewTileFetcher(a.server.URL + "/log")
	if err != nil {
		t.Fatal(err)
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	policy := torchwood.ThresholdPolicy(3, torchwood.OriginPolicy(string(a.id)),
		torchwood.SingleVerifierPolicy(verifier(t, a)),
		torchwood.ThresholdPolicy(2, witness(t, b), witness(t, w)))
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		t.Fatalf("%v\n%s", err, signed)
	}
	count := int64(0)
	for range client.AllEntries(t.Context(), checkpoint.Tree, 0) {
		count++
	}
	if client.Err() != nil || count != 302 {
		t.Fatal(count, client.Err())
	}
	entry, proof, err := client.Entry(t.Context(), checkpoint.Tree, 17)
	if err != nil {
		t.Fatal(err)
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), torchwood.FormatProof(17, proof, signed)); err != nil {
		t.Fatal(err)
	}
}

func verifier(t *testing.T, h *hoster) note.Verifier {
	t.Helper()
	vkey, err := logbook.VerifierKey(h.id, h.signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func witness(t *testing.T, h *hoster) torchwood.Policy {
	t.Helper()
	s, err := torchwood.NewCosignatureSigner(string(h.id), privateKey{h.signer})
	if err != nil {
		t.Fatal(err)
	}
	return torchwood.SingleVerifierPolicy(s.Verifier())
}

func TestForkIsProvedAndSpread(t *testing.T) {
	for name, extra := range map[string][2]int{"same size": {1, 1}, "they have more": {1, 3}, "we have more": {3, 1}} {
		t.Run(name, func(t *testing.T) {
			c := &clock{time.Now()}
			liar := found(t, "chaton-x.test", sqlite(t), c)
			twin := twinOf(t, liar, c)
			b, w := found(t, "chaton-b.test", sqlite(t), c), found(t, "chaton-c.test", sqlite(t), c)
			b.meet(t, liar)
			w.meet(t, b)
			if err := w.book.Follow(t.Context(), liar.id, liar.server.URL, liar.rootKey()); err != nil {
				t.Fatal(err)
			}
			for i := range extra[0] {
				liar.say(t, i)
			}
			for i := range extra[1] {
				twin.say(t, 100+i)
			}
			if err := b.book.PullFrom(t.Context(), liar.id, 0); err != nil {
				t.Fatal(err)
			}
			// b now meets the other history under the same name.
			_ = b.book.PullTwin(t.Context(), liar.id, twin.server.URL+"/log")
			if m, err := b.book.Member(t.Context(), liar.id); err != nil || m.State != logbook.Suspended {
				t.Fatalf("b: %+v, %v", m, err)
			}
			// c learns it from b's logbook alone.
			if err := w.book.PullFrom(t.Context(), b.id, 0); err != nil {
				t.Fatal(err)
			}
			if err := w.book.Deliver(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if m, err := w.book.Member(t.Context(), liar.id); err != nil || m.State != logbook.Suspended {
				t.Fatalf("c: %+v, %v", m, err)
			}
			if m, _ := w.book.Member(t.Context(), b.id); m.State != logbook.Fresh {
				t.Fatalf("the messenger is %s", m.State)
			}
		})
	}
}

func TestOtherRootUnderAKnownNameIsRefused(t *testing.T) {
	c := &clock{time.Now()}
	a, b := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", sqlite(t), c)
	buyer := found(t, "chaton-a.test", sqlite(t), c)
	b.meet(t, a)
	known, err := b.book.Discover(t.Context(), buyer.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.book.Adopt(t.Context(), known); core.CodeOf(err) != core.CodeConflict {
		t.Fatal(err)
	}
}

func TestRecoverFromNothingGoesOnWithoutFork(t *testing.T) {
	c := &clock{time.Now()}
	a, b := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", sqlite(t), c)
	a.meet(t, b)
	b.meet(t, a)
	for i := range 3 {
		a.say(t, i)
	}
	if err := b.book.PullFrom(t.Context(), a.id, 0); err != nil {
		t.Fatal(err)
	}
	a.server.Close()
	again := bare(t, a.id, sqlite(t), c, a.root)
	size, err := again.book.Recover(t.Context(), a.root, again.server.URL, []string{"http://127.0.0.1:1", b.server.URL})
	if err != nil || size != 4 {
		t.Fatal(size, err)
	}
	again.say(t, 10)
	// b hears of the new address by the new key set; the thief with the old key is late.
	_, doc, err := again.book.KeySet(t.Context(), a.id)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.book.Learn(t.Context(), a.id, doc); err != nil {
		t.Fatal(err)
	}
	if err := b.book.PullFrom(t.Context(), a.id, 0); err != nil {
		t.Fatal(err)
	}
	m, err := b.book.Member(t.Context(), a.id)
	if err != nil || m.Size != 6 || m.State != logbook.Fresh {
		t.Fatalf("%+v, %v", m, err)
	}
	keys, err := b.book.Keys(t.Context(), a.id)
	if err != nil || len(keys) != 1 || !keys[0].Equal(again.signer.Public()) {
		t.Fatal("the lost machine's key still counts", err)
	}
}

func TestRestoredFromOldBackupCatchesUpBeforeItSigns(t *testing.T) {
	c := &clock{time.Now()}
	a, b := found(t, "chaton-a.test", sqlite(t), c), found(t, "chaton-b.test", sqlite(t), c)
	a.meet(t, b)
	b.meet(t, a)
	if err := a.book.Push(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := a.copyDB(t)
	for i := range 4 {
		a.say(t, i)
	}
	if err := a.book.Push(t.Context()); err != nil {
		t.Fatal(err)
	}
	restored := logbook.New(logbook.Needs{DB: old, Signer: a.signer, Now: c.Now, Log: slog.New(slog.DiscardHandler), Boot: "another machine"})
	restored.Connect(a.client)
	e, err := restored.Append(t.Context(), "entrechat/test/1", nil, 0, map[string]int{"n": 99})
	if err != nil || e.Index != 5 {
		t.Fatalf("appended at %d, want 5 (after the four it had lost): %v", e.Index, err)
	}
	b.server.Close()
	alone := logbook.New(logbook.Needs{DB: old, Signer: a.signer, Now: c.Now, Log: slog.New(slog.DiscardHandler), Boot: "a third machine"})
	alone.Connect(a.client)
	if _, err := alone.Append(t.Context(), "entrechat/test/1", nil, 0, 1); core.CodeOf(err) != core.CodeUnsure {
		t.Fatalf("no mirror answers, yet it signed: %v", err)
	}
}

func TestFlippedBitIsNeverSignedOver(t *testing.T) {
	c := &clock{time.Now()}
	a := found(t, "chaton-a.test", sqlite(t), c)
	a.say(t, 1)
	if _, err := db.Exec(t.Context(), a.db, `UPDATE logbook_entry SET data = $1 WHERE idx = 1`, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.book.Append(t.Context(), "entrechat/test/1", nil, 0, 1); core.CodeOf(err) != core.CodeInternal {
		t.Fatal(err)
	}
	if _, err := a.book.Verify(t.Context(), a.id); err == nil {
		t.Fatal("verify found nothing")
	}
}

func TestUnknownEntriesAreKeptAndPassedOver(t *testing.T) {
	c := &clock{time.Now()}
	a := found(t, "chaton-a.test", sqlite(t), c)
	for _, typ := range []string{"", "pact", "entrechat/x/0", "entrechat/X/1"} {
		if _, err := a.book.Append(t.Context(), typ, nil, 0, 1); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("type %q: %v", typ, err)
		}
	}
	big := make([]byte, logbook.MaxEntry)
	if _, err := a.book.Append(t.Context(), "entrechat/test/1", nil, 0, big); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("a leaf too long: %v", err)
	}
}
