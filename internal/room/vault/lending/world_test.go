package lending

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

const ana, bo, eve = core.MemberID("ana.test"), core.MemberID("bo.test"), core.MemberID("eve.test")

// world is bo, who keeps shards for ana, with the members it knows. It is bo's
// Trust and Keys as well.
type world struct {
	t       *testing.T
	now     time.Time
	store   *Store
	dir     *blob.Dir
	path    string
	mark    string // of the store, as the database keeps it
	db      *db.DB
	server  *httptest.Server
	handler http.Handler // what the server serves; replaced by liars

	mu      sync.Mutex
	signers map[core.MemberID]seal.Signer
	grants  map[core.MemberID]core.Allowance
	remotes map[core.MemberID]*holder.Remote
	heir    core.MemberID // whom ana's logbook names
}

// Names implements Heirs.
func (w *world) Names(_ context.Context, owner, member core.MemberID) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return owner == ana && member == w.heir, nil
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Unix(1_790_000_000, 0), db: d, path: t.TempDir(),
		signers: map[core.MemberID]seal.Signer{}, remotes: map[core.MemberID]*holder.Remote{},
		grants: map[core.MemberID]core.Allowance{ana: {Grant: holder.StoreGrant(1 << 30)}},
	}
	for _, id := range []core.MemberID{ana, bo, eve} {
		w.newKey(id)
	}
	w.open()
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.handler.ServeHTTP(rw, r)
	}))
	server := peer.NewServer("", w.server.Config.Handler)
	w.server.Config = server
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

func sqliteWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, dbtest.SQLite(t, "vault", migrations.Files))
}

func (w *world) setHeir(id core.MemberID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heir = id
}

// open makes a Store on the world's folder and tables, as a new process would.
func (w *world) open() {
	w.t.Helper()
	dir := blob.OpenMarked(w.path, blob.Mark{
		Recall: func() (string, bool, error) { return w.mark, false, nil },
		Keep:   func(id string) error { w.mark = id; return nil },
	})
	w.dir = dir
	w.store = New(Needs{
		DB: w.db, Dir: dir, Signer: w.signers[bo], Trust: w, Keys: w,
		Heirs: func() (Heirs, bool) { return w, true }, Now: w.clock, Log: slog.New(slog.DiscardHandler),
	})
	w.handler = peer.NewHandler(w.peer(bo), w.store.Routes())
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) newKey(id core.MemberID) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signers[id] = seal.NewSigner(id, key)
	delete(w.remotes, id)
}

func (w *world) peer(id core.MemberID) peer.Needs {
	return peer.Needs{Signer: w.signers[id], Keyring: w, Private: true, Now: w.clock, Log: slog.New(slog.DiscardHandler)}
}

// May is trust's answer.
func (w *world) May(_ context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a, ok := w.grants[who]; ok && kind == holder.KindStore {
		return a, nil
	}
	return core.Allowance{}, core.Denied("trust.no_grant", fmt.Errorf("%s has no %s", who, kind))
}

func (w *world) allow(who core.MemberID, a core.Allowance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grants[who] = a
}

// Keys is the logbook's answer.
func (w *world) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.signers[id]; ok {
		return []ed25519.PublicKey{s.Public()}, nil
	}
	return nil, core.NotFound("logbook.unknown_member", errors.New("unknown"))
}

// URL is the logbook's answer: everybody lives at the one server.
func (w *world) URL(context.Context, core.MemberID) (string, error) { return w.server.URL, nil }

// over is bo's store as who sees it over the wire.
func (w *world) over(who core.MemberID) *holder.Remote {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.remotes[who] == nil {
		needs := w.peer(who)
		client := peer.NewClient(needs)
		w.t.Cleanup(client.CloseIdle)
		w.remotes[who] = holder.NewRemote(client, w, bo)
	}
	return w.remotes[who]
}

// everyWay runs a test against the store here and over the wire, on both engines
// for the first.
func everyWay(t *testing.T, test func(t *testing.T, w *world, as func(core.MemberID) holder.Holder)) {
	t.Helper()
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		test(t, w, w.store.For)
	})
	t.Run("wire", func(t *testing.T) {
		w := sqliteWorld(t)
		test(t, w, func(who core.MemberID) holder.Holder { return w.over(who) })
	})
}

// thing is an object of ana's, cut in four.
type thing struct {
	heads []shard.Head
	data  [][]byte
	prune ed25519.PrivateKey
}

func pruneKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// newThing makes an object of n bytes that depend on seed.
func (w *world) newThing(seed uint64, n int) thing {
	w.t.Helper()
	sealed := make([]byte, n, n+4)
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	_, _ = random.Read(sealed)
	code := shard.Code{K: 2, N: 4}
	out := thing{prune: pruneKey()}
	data, err := code.Split(sealed, make([]byte, code.ParitySize(int64(n))))
	if err != nil {
		w.t.Fatal(err)
	}
	base := shard.Header{
		Owner: ana, OwnerRoot: core.RootKey{1}, Object: shard.ObjectID(sealed), K: 2, N: 4, Sealed: int64(n),
		Label: []byte("label"), Prune: shard.PruneKey(seal.NewSigner(ana, out.prune).Public()), Made: core.At(w.now),
	}
	for i, d := range data {
		head, err := shard.Sign(base.Of(i, d), w.signers[ana])
		if err != nil {
			w.t.Fatal(err)
		}
		out.heads, out.data = append(out.heads, head), append(out.data, d)
	}
	return out
}

// put gives shard i to a holder.
func (o thing) put(ctx context.Context, h holder.Holder, i int) (holder.Receipt, error) {
	return h.Put(ctx, o.heads[i], bytes.NewReader(o.data[i]))
}

func (o thing) object() shard.Hash { return o.heads[0].Object }

// mustPut puts a shard and fails the test when that fails.
func (w *world) mustPut(h holder.Holder, o thing, i int) holder.Receipt {
	w.t.Helper()
	r, err := o.put(w.t.Context(), h, i)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// read gets a shard whole.
func read(ctx context.Context, h holder.Reader, ref holder.Ref) ([]byte, error) {
	r, err := h.Get(ctx, ref, 0, -1)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// wants fails unless err has this code and, where one is given, this key.
func wants(t *testing.T, what string, err error, code core.Code, key string) {
	t.Helper()
	var e *core.Error
	if core.CodeOf(err) != code || key != "" && (!errors.As(err, &e) || e.Key != key) {
		t.Errorf("%s: %#v (%v), want %s %s", what, err, err, code, key)
	}
}

func mustKeys(t *testing.T, w *world, id core.MemberID) []ed25519.PublicKey {
	t.Helper()
	keys, err := w.Keys(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// keyOf is the words key of an error.
func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}
