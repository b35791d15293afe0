package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/blob/blobtest"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/lending"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/shard"
)

const owner = core.MemberID("owner.test")

// world is an owner and the members that lend it room, each served over HTTP by
// the real holder. It is everybody's trust and keyring.
type world struct {
	t       testing.TB
	seed    seal.Seed
	dir     string
	room    *Room
	front   *httptest.Server
	stop    func() // ends the owner's node, keeping its disk
	members []*member

	recodeAfter int                                              // of the room; 0 = as it is
	lateLeast   time.Duration                                    // of its pool; the same
	wrap        func(core.MemberID, holder.Holder) holder.Holder // may be nil
	shared      *age.X25519Identity                              // of a data directory older than the keys of its repositories

	mu      sync.Mutex
	signers map[core.MemberID]seal.Signer
	past    []ed25519.PublicKey // the owner's earlier keys
	lent    []core.Lender
	leaving []core.Leaver
	log     *slog.Logger
}

// member is one lender.
type member struct {
	id      core.MemberID
	server  *httptest.Server
	store   string // folder with its shard files
	db      *db.DB
	local   *lending.Store
	disk    *blobtest.Disk // under its store
	later   atomic.Int64   // how far its clock is ahead, in nanoseconds
	mu      sync.Mutex
	conduct conduct
	spoilt  atomic.Int64 // heads it damaged
}

// conduct is how a member treats us.
type conduct string

const (
	honest   conduct = ""
	away     conduct = "away"     // connections are cut
	hanging  conduct = "hanging"  // never answers
	flipping conduct = "flipping" // one bit of what it gives is wrong
	cutting  conduct = "cutting"  // gives only the first half
	swapping conduct = "swapping" // gives another shard
	breaking conduct = "breaking" // is stopped while it gives
	dripping conduct = "dripping" // gives a byte now and then
	emptied  conduct = "emptied"  // says it has nothing
	refusing conduct = "refusing" // says no to new shards
	unsummed conduct = "unsummed" // is an older node, without summaries
	// says that it has another shard of that name
	conflicting conduct = "conflicting"
	// damages the head of whatever it takes, after its receipt
	damaging conduct = "damaging"
)

func (m *member) set(to conduct) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conduct = to
}

// shardFiles are the shards in the member's store.
func (m *member) shardFiles() []string {
	files, err := filepath.Glob(filepath.Join(m.store, "*", "*", "*.*"))
	if err != nil {
		panic(err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.Contains(f, "trash") })
}

// spoilHeads flips a bit in the JSON of every sound head.
func (m *member) spoilHeads() {
	for _, f := range m.shardFiles() {
		data, err := os.ReadFile(f)
		if _, bad := shard.Parse(data); err == nil && bad != nil {
			continue
		}
		if err == nil {
			data[len(shard.Magic)] ^= 4
			err = os.WriteFile(f, data, 0o600)
		}
		if err != nil {
			panic(err)
		}
		m.spoilt.Add(1)
	}
}

func (m *member) now() conduct {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conduct
}

func newWorld(t testing.TB, members int) *world {
	t.Helper()
	w := emptyWorld(t)
	for i := range members {
		w.addMember(core.MemberID(fmt.Sprintf("m%d.test", i)))
	}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// emptyWorld is an owner without a node, and nobody else.
func emptyWorld(t testing.TB) *world {
	t.Helper()
	seed, err := seal.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, seed: seed, dir: t.TempDir(), signers: map[core.MemberID]seal.Signer{}, stop: func() {},
		log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	w.newKey(owner)
	return w
}

// testLog shows the room's log only when the test fails or is verbose.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if os.Getenv("VAULT_TEST_LOG") != "" {
		l.t.Logf("%s", strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

func (w *world) newKey(id core.MemberID) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.signers[id]; ok && id == owner {
		w.past = append(w.past, before.Public())
	}
	w.signers[id] = seal.NewSigner(id, key)
}

func (w *world) addMember(id core.MemberID) *member {
	return w.addMemberWith(id, filepath.Join(w.t.TempDir(), "store"))
}

// addMemberWith is addMember with the shard files of a folder.
func (w *world) addMemberWith(id core.MemberID, store string) *member {
	w.newKey(id)
	m := &member{id: id, store: store, db: w.database()}
	disk, err := blob.Open(m.store)
	if err != nil {
		w.t.Fatal(err)
	}
	m.disk = &blobtest.Disk{Dir: disk}
	m.local = lending.New(lending.Needs{
		DB: m.db, Dir: disk, Open: m.disk.Open, Signer: w.signers[id], Trust: w, Keys: w, Log: w.log,
		Now: func() time.Time { return time.Now().Add(time.Duration(m.later.Load())) },
	})
	if err := m.local.Rescan(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	routes := peer.NewHandler(w.peer(id), m.local.Routes())
	m.server = httptest.NewServer(moody(m, routes))
	w.t.Cleanup(m.server.Close)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.members = append(w.members, m)
	w.lent = append(w.lent, core.Lender{ID: id, Grant: holder.StoreGrant(1 << 40)})
	return m
}

// moody lets a member misbehave in front of its honest handler.
func moody(m *member, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		get := r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/ec/v1/vault/shards/")
		switch conduct := m.now(); {
		case conduct == away:
			// Not a panic: net/http would first wait for a body that is not sent before
			// we say "100 Continue".
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_ = conn.Close()
		case conduct == hanging:
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		case conduct == unsummed && r.URL.Path == "/ec/v1/vault/summary":
			peer.WriteError(w, core.NotFound("peer.no_such_page", errors.New("unknown")))
		case conduct == dripping && get:
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{0})
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		case conduct == refusing && r.Method == http.MethodPut:
			peer.WriteError(w, core.Full("vault.quota_full", errors.New("full")))
		case conduct == conflicting && r.Method == http.MethodPut:
			peer.WriteError(w, core.Conflict("vault.other_shard", errors.New("another")))
		case conduct == damaging && r.Method == http.MethodPut:
			h.ServeHTTP(w, r)
			m.spoilHeads()
		case conduct == emptied && get:
			peer.WriteError(w, core.NotFound("vault.no_shard", errors.New("gone")))
		case conduct == breaking && get:
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
			_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
		case get && (conduct == flipping || conduct == cutting || conduct == swapping):
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			switch {
			case rec.Code != http.StatusOK || len(body) == 0:
			case conduct == flipping:
				body[len(body)/2] ^= 1
			case conduct == cutting:
				body = body[:len(body)/2]
			case conduct == swapping:
				body = bytes.Repeat([]byte("x"), len(body))
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(body)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func (w *world) database() *db.DB {
	w.t.Helper()
	return dbtest.SQLite(w.t, "vault", migrations.Files)
}

func (w *world) peer(id core.MemberID) peer.Needs {
	return peer.Needs{Signer: w.signers[id], Keyring: w, Private: true, Now: time.Now, Log: w.log}
}

// Keys, URL, May and Lenders are what the other rooms would answer.
func (w *world) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.signers[id]; ok {
		return []ed25519.PublicKey{s.Public()}, nil
	}
	return nil, core.NotFound("logbook.unknown_member", errors.New("unknown"))
}

func (w *world) URL(_ context.Context, id core.MemberID) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.members {
		if m.id == id {
			return m.server.URL, nil
		}
	}
	return "", core.NotFound("logbook.unknown_member", errors.New("unknown"))
}

func (w *world) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{Grant: holder.StoreGrant(1 << 40)}, nil
}

func (w *world) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]core.Lender{}, w.lent...), nil
}

func (w *world) Leaving(context.Context, core.GrantKind) ([]core.Leaver, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.leaving), nil
}

func (w *world) Awaited(context.Context, core.GrantKind) (theirs, ours []core.MemberID, err error) {
	return nil, nil, nil
}

// start runs the owner's node on its disk: front, and the job that ships.
func (w *world) start() {
	w.t.Helper()
	w.open()
	ctx, cancel := context.WithCancel(context.Background())
	var jobs sync.WaitGroup
	jobs.Go(func() {
		if err := w.room.serve(ctx); err != nil && ctx.Err() == nil {
			w.t.Error("ship:", err)
		}
	})
	w.front = httptest.NewServer(w.room.Front())
	w.room.n.Config.Tools = strings.TrimPrefix(w.front.URL, "http://")
	w.stop = func() {
		cancel()
		w.front.CloseClientConnections()
		w.front.Close()
		jobs.Wait()
		_ = w.room.n.DB.Close()
		w.stop = func() {}
	}
}

// open makes the owner's room on its disk.
func (w *world) open() {
	w.t.Helper()
	d, err := db.Open(context.Background(), "sqlite:"+filepath.Join(w.dir, "owner.db"))
	if err == nil {
		err = db.Migrate(context.Background(), d, "vault", migrations.Files)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.room, err = New(w.needs(d))
	if err != nil {
		w.t.Fatal(err)
	}
	w.room.pool.Interval = pool.Interval / 10
	if w.recodeAfter != 0 {
		w.room.shipping.RecodeAfter = w.recodeAfter
	}
	if w.lateLeast != 0 {
		w.room.shipping.LateLeast = w.lateLeast
	}
}

func (w *world) needs(d *db.DB) Needs {
	words, err := w.seed.RecoveryIdentity()
	if err != nil {
		w.t.Fatal(err)
	}
	client := peer.NewClient(w.peer(owner))
	return Needs{
		DB: d, Dir: filepath.Join(w.dir, "vault"), Signer: w.signers[owner], Root: w.seed.Root(),
		Shared: w.shared, Recovery: words.Recipient(), Lenders: w,
		OwnKeys: func(context.Context) ([]ed25519.PublicKey, error) {
			return append([]ed25519.PublicKey{w.signers[owner].Public()}, w.past...), nil
		},
		Holder: func(id core.MemberID) holder.Holder {
			if w.wrap != nil {
				return w.wrap(id, holder.NewRemote(client, w, id))
			}
			return holder.NewRemote(client, w, id)
		},
		Contacts: func(context.Context) ([]recovery.Contact, error) {
			var out []recovery.Contact
			for _, m := range w.members {
				out = append(out, recovery.Contact{ID: m.id, URL: m.server.URL})
			}
			return out, nil
		},
		Words: printer(w.t),
		Now:   time.Now, Log: w.log,
	}
}

func printer(t testing.TB) *words.Printer {
	catalogue, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue.Printer("en")
}

// settled waits until nothing is on its way any more.
func (w *world) settled() {
	w.t.Helper()
	w.eventually("everything placed", func() bool {
		due, err := w.room.store.Queue.Due(context.Background(), core.At(time.Now().Add(time.Hour)), 1)
		return err == nil && len(due) == 0
	})
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for began := time.Now(); !ok(); {
		// Pauses double: a slow machine that misses the first few turns waits long for
		// the next one.
		if time.Since(began) > 2*time.Minute {
			w.t.Fatalf("not within two minutes: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
