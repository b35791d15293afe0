package logbook_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// clock is a clock that tests move.
type clock struct{ now time.Time }

func newClock() *clock          { return &clock{time.Now()} }
func (c *clock) Now() time.Time { return c.now }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

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
	dark   atomic.Bool // does not answer
	held   atomic.Bool // takes requests and does not answer them
	// unsigned counts requests nobody had signed.
	unsigned atomic.Int64
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	ok(t, err)
	return key
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func code(t testing.TB, err error, want core.Code) {
	t.Helper()
	if core.CodeOf(err) != want {
		t.Fatalf("got %q (%v), want %q", core.CodeOf(err), err, want)
	}
}

func (h *hoster) rootKey() core.RootKey {
	return core.RootKey(h.root.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // ed25519 promises it
}

func sqlite(t testing.TB) *db.DB {
	t.Helper()
	return dbtest.SQLite(t, "logbook", logbook.Migrations())
}

// bare makes a member without a log, as before init or a recovery.
func bare(t *testing.T, id core.MemberID, d *db.DB, c *clock, root ed25519.PrivateKey) *hoster {
	t.Helper()
	h := &hoster{id: id, root: root, signer: seal.NewSigner(id, newKey(t)), clock: c}
	h.open(t, d)
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.dark.Load() {
			panic(http.ErrAbortHandler)
		}
		if r.Header.Get("Signature-Input") == "" {
			h.unsigned.Add(1)
		}
		if h.held.Load() {
			_, _ = io.Copy(io.Discard, r.Body) // net/http then notices who left
			<-r.Context().Done()
			return
		}
		peer.NewHandler(h.needs(), h.book.Routes()).ServeHTTP(w, r)
	}))
	h.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(h.server.Close)
	return h
}

// recover reads a lost node's log back from these addresses and goes on with it.
func (h *hoster) recover(t *testing.T, addresses ...string) (int64, error) {
	t.Helper()
	if err := h.book.Recovery.Expect(t.Context(), core.RootKey(h.root.Public().(ed25519.PublicKey)), h.server.URL); err != nil {
		return 0, err
	}
	answers, err := h.book.Recovery.Retrieve(t.Context(), addresses)
	if err == nil {
		err = h.book.Recovery.Retrieved(t.Context(), answers)
	}
	if err != nil {
		return 0, err
	}
	return h.book.Recovery.Resume(t.Context(), h.root, h.server.URL)
}

func (h *hoster) needs() peer.Needs {
	return peer.Needs{
		Signer: h.signer, Keyring: h.book, Private: true, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// open starts the member's node over a database, as a new process would.
func (h *hoster) open(t *testing.T, d *db.DB) {
	t.Helper()
	h.db, h.book = d, process(h, d)
	h.client = peer.NewClient(h.needs())
	t.Cleanup(h.client.CloseIdle)
	h.book.Connect(h.client)
}

// up keeps the member's lease, as a running node does.
func (h *hoster) up(t *testing.T) {
	t.Helper()
	ok(t, h.book.HoldLease(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = h.book.AnswerLease(ctx)
			<-time.After(20 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { stop(); <-done })
}

// process is another process of the member over a database, without a server. Where
// no node answers it, it gives up soon.
func process(h *hoster, d *db.DB) *logbook.Book { return waiting(h, d, time.Second) }

// beside is a process of the member whose node is up: it waits for the node however
// slow the machine is.
func beside(h *hoster) *logbook.Book { return waiting(h, h.db, 2*time.Minute) }

func waiting(h *hoster, d *db.DB, answer time.Duration) *logbook.Book {
	return logbook.New(logbook.Needs{
		DB: d, Signer: h.signer, Calls: h.calls(), Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
		Tuning: logbook.Tuning{Answer: answer, Wait: time.Minute}, // what a round did is there when it returns
	})
}

func (h *hoster) calls() logbook.Calls {
	if h.client == nil {
		return nil
	}
	return h.client
}

// found makes a member with an open log.
func found(t *testing.T, id core.MemberID, d *db.DB, c *clock) *hoster {
	t.Helper()
	h := bare(t, id, d, c, newKey(t))
	doc := must[seal.Envelope](t)(format.NewKeySet(h.signer, h.server.URL, core.At(c.Now())).Sign(h.root))
	ok(t, h.book.Init(t.Context(), doc, h.rootKey()))
	return h
}

// village founds members on SQLite who all know one another.
func village(t *testing.T, c *clock, names ...core.MemberID) []*hoster {
	t.Helper()
	var out []*hoster
	for _, id := range names {
		out = append(out, found(t, id, sqlite(t), c))
	}
	for _, h := range out {
		h.meet(t, out...)
	}
	return out
}

// meet adds others as an admin would.
func (h *hoster) meet(t *testing.T, others ...*hoster) {
	t.Helper()
	for _, o := range others {
		if o.id != h.id {
			known := must[logbook.WellKnown](t)(h.book.Discover(t.Context(), o.server.URL))
			ok(t, h.book.Adopt(t.Context(), known))
		}
	}
}

func (h *hoster) say(t *testing.T, n int) logbook.Entry {
	t.Helper()
	return must[logbook.Entry](t)(h.book.Append(t.Context(), "entrechat/test/1", nil, 0, map[string]int{"n": n}))
}

func (h *hoster) pull(t *testing.T, from *hoster) {
	t.Helper()
	ok(t, h.book.PullFrom(t.Context(), from.id, 0))
}

func (h *hoster) deliver(t *testing.T, readers ...logbook.Reader) {
	t.Helper()
	ok(t, h.book.Deliver(t.Context(), readers))
}

func (h *hoster) sees(t *testing.T, o *hoster) logbook.Member {
	t.Helper()
	return must[logbook.Member](t)(h.book.Member(t.Context(), o.id))
}

// backup is a copy of a member's database, opened.
func (h *hoster) backup(t *testing.T) *db.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	must[int64](t)(db.Exec(t.Context(), h.db, `VACUUM INTO '`+path+`'`))
	d := must[*db.DB](t)(db.Open(t.Context(), "sqlite:"+path))
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// twinOf is the same member with the same key on a copied disk, at an address of
// its own. It does not look whether the other lives: it wants to cheat.
func twinOf(t *testing.T, h *hoster) *hoster {
	t.Helper()
	twin := bare(t, h.id, h.backup(t), h.clock, h.root)
	twin.signer = h.signer
	twin.open(t, twin.db)
	twin.book.Connect(blind{twin.client, h.server.URL})
	return twin
}

// blind are calls that never reach one address.
type blind struct {
	*peer.Client
	address string
}

func (b blind) Get(ctx context.Context, address, etag string, limit int64) (*http.Response, error) {
	if strings.HasPrefix(address, b.address) {
		return nil, core.Unsure("peer.unreachable", errors.New("not looking"))
	}
	return b.Client.Get(ctx, address, etag, limit)
}

// diary is a reader that notes what it is told.
type diary struct {
	heard []int64
	cuts  []int64
}

func (d *diary) reader(name string) logbook.Reader {
	return logbook.Reader{
		Name: name, Types: []string{"entrechat/test/1"},
		Read: func(_ context.Context, e logbook.Entry) error {
			d.heard = append(d.heard, e.Index)
			return nil
		},
		Truncated: func(_ context.Context, _ core.MemberID, index int64) error {
			d.cuts = append(d.cuts, index)
			return nil
		},
	}
}

// bookOn is a log of its own, without a server.
func bookOn(t testing.TB, d *db.DB) *logbook.Book {
	t.Helper()
	root := newKey(t)
	s := seal.NewSigner("chaton-a.test", newKey(t))
	book := logbook.New(logbook.Needs{DB: d, Signer: s, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	doc := must[seal.Envelope](t)(format.NewKeySet(s, "https://chaton-a.test", 1).Sign(root))
	ok(t, book.Init(t.Context(), doc, core.RootKey(root.Public().(ed25519.PublicKey)))) //nolint:forcetypeassert // ed25519 promises it
	return book
}
