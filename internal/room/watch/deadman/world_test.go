package deadman

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/target"
)

const ana, bo, cy, eve = core.MemberID("ana.test"), core.MemberID("bo.test"), core.MemberID("cy.test"), core.MemberID("eve.test")

// world is ana, whose nightly backup pings, bo and cy, who vote on it, and eve, who does
// not. They talk over real sockets, with one clock that the test moves.
type world struct {
	t     *testing.T
	token string
	nodes map[core.MemberID]*node

	mu      sync.Mutex
	now     time.Time
	targets []target.Target
	away    map[core.MemberID]bool
}

type node struct {
	w      *world
	self   core.MemberID
	db     *db.DB
	pings  *Pings
	signer seal.Signer
	server *httptest.Server

	mu    sync.Mutex
	found []look.Class
}

func newWorld(t *testing.T, open func(t *testing.T) *db.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_790_000_000, 0), nodes: map[core.MemberID]*node{}, away: map[core.MemberID]bool{}}
	var hash string
	w.token, hash = NewToken()
	w.targets = []target.Target{{
		ID: "00112233445566aa", Owner: ana, Service: "sauvegarde", Kind: target.Ping, Address: hash, Every: time.Hour, Made: 1,
		Expect: target.Expect{Signal: &target.Signal{Period: 3600, Grace: 600}},
	}}
	for _, id := range []core.MemberID{ana, bo, cy, eve} {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		n := &node{w: w, self: id, db: open(t), signer: seal.NewSigner(id, key)}
		w.nodes[id] = n
		n.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { n.serve(rw, r) }))
		t.Cleanup(n.server.Close)
	}
	for _, n := range w.nodes {
		n.open()
	}
	return w
}

func sqlite(t *testing.T) *db.DB { t.Helper(); return dbtest.SQLite(t, "watch", migrations.Files) }

// open makes the node's Pings on its tables, as a new process would.
func (n *node) open() {
	n.w.t.Helper()
	client := peer.NewClient(peer.Needs{Signer: n.signer, Keyring: n.w, Private: true, Now: n.w.clock, Log: slog.New(slog.DiscardHandler)})
	n.pings = New(Needs{
		DB: n.db, Self: n.self, Circle: circle{n.w, n.self}, Members: Remote{client}, Now: n.w.clock, Log: slog.New(slog.DiscardHandler),
		Found: func(_ context.Context, _ target.Target, r look.Result) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.found = append(n.found, r.Class)
		},
	})
	n.w.t.Cleanup(client.CloseIdle)
	if err := n.pings.Refresh(n.w.t.Context()); err != nil {
		n.w.t.Fatal(err)
	}
}

func (n *node) serve(rw http.ResponseWriter, r *http.Request) {
	n.w.mu.Lock()
	away := n.w.away[n.self]
	n.w.mu.Unlock()
	if away {
		panic(http.ErrAbortHandler)
	}
	if strings.HasPrefix(r.URL.Path, "/ec/") {
		peer.NewHandler(peer.Needs{Signer: n.signer, Keyring: n.w, Private: true, Now: n.w.clock, Log: slog.New(slog.DiscardHandler)}, n.pings.PeerRoutes()).ServeHTTP(rw, r)
		return
	}
	mux := http.NewServeMux()
	for _, route := range n.pings.Routes() {
		mux.Handle(route.Pattern, route.Handler)
	}
	mux.ServeHTTP(rw, r)
}

// Keys and URL make the world every member's keyring.
func (w *world) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	if n := w.nodes[id]; n != nil {
		return []ed25519.PublicKey{n.signer.Public()}, nil
	}
	return nil, core.NotFound("logbook.no_member", nil)
}

func (w *world) URL(_ context.Context, id core.MemberID) (string, error) {
	return w.nodes[id].server.URL, nil
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

func (w *world) setAway(id core.MemberID, away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away[id] = away
}

// circle is what one member knows of the others.
type circle struct {
	w    *world
	self core.MemberID
}

func (c circle) Targets(context.Context) ([]target.Target, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.self == eve {
		return nil, nil
	}
	return slices.Clone(c.w.targets), nil
}

func (c circle) Circle(_ context.Context, owner core.MemberID, _ string) ([]core.MemberID, error) {
	all := []core.MemberID{owner, bo, cy}
	return slices.DeleteFunc(all, func(m core.MemberID) bool { return m == c.self }), nil
}

func (c circle) Alive(_ context.Context, m core.MemberID) bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return !c.w.away[m]
}

// ping calls a member's address as the work does.
func (w *world) ping(at core.MemberID, method, behind, text string) (status int, answer string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.nodes[at].server.URL+"/ping/"+w.token+behind, strings.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", "192.0.2.7") // as the proxy on our own machine says
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// tell has each member tell what it has to.
func (w *world) tell() {
	w.t.Helper()
	for _, n := range w.nodes {
		if err := n.pings.Tell(w.t.Context()); err != nil {
			w.t.Error(err)
		}
	}
}

// heartbeat has each member that is up say so.
func (w *world) heartbeat() {
	w.t.Helper()
	for id, n := range w.nodes {
		if !w.away[id] {
			if err := n.pings.Heartbeat(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		}
	}
}

// look is what each of ana, bo and cy finds.
func (w *world) look() [3]look.Class {
	var out [3]look.Class
	for i, id := range []core.MemberID{ana, bo, cy} {
		out[i] = w.nodes[id].pings.Look(w.t.Context(), w.targets[0]).Class
	}
	return out
}

func (w *world) wants(what string, want ...look.Class) {
	w.t.Helper()
	if len(want) == 1 {
		want = []look.Class{want[0], want[0], want[0]}
	}
	if got := w.look(); !slices.Equal(got[:], want) {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}
