// Package incidenttest makes a few nodes with real logbooks that speak real HTTP to one
// another and share a clock, for the tests of incidents.
package incidenttest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/migrations"
)

// OpenDB opens an empty database with a kit's tables; dbtest.SQLite is one.
type OpenDB func(t testing.TB, name string, migrations fs.FS) *db.DB

// World is a few nodes and their clock.
type World struct {
	t     *testing.T
	open  OpenDB
	mu    sync.Mutex
	now   time.Time
	Nodes map[core.MemberID]*Node
}

// Node is one hoster: a database, a logbook, and what reads it.
type Node struct {
	ID      core.MemberID
	DB      *db.DB
	Book    *logbook.Book
	Client  *peer.Client
	Readers []logbook.Reader
	Offline atomic.Bool

	w       *World
	url     string
	root    ed25519.PrivateKey
	needs   peer.Needs
	handler atomic.Pointer[peer.Handler]
}

// New makes nodes that follow one another.
func New(t *testing.T, open OpenDB, names ...core.MemberID) *World {
	t.Helper()
	w := &World{t: t, open: open, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Nodes: map[core.MemberID]*Node{}}
	for _, id := range names {
		w.add(id)
	}
	for _, a := range w.Nodes {
		for _, b := range w.Nodes {
			if a != b {
				OK(t, a.Book.Follow(t.Context(), b.ID, b.url, core.RootKey(public(b.root))))
			}
		}
	}
	return w
}

// Clock is the nodes' time.
func (w *World) Clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Wait moves the clock and lets every node that is online read the others' logbooks.
func (w *World) Wait(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	for range 2 {
		for _, n := range w.Nodes {
			if !n.Offline.Load() {
				OK(w.t, errors.Join(n.Book.Pull(w.t.Context()), n.Book.Push(w.t.Context()), n.Book.Deliver(w.t.Context(), n.Readers)))
			}
		}
	}
}

// Serve answers members by these routes beside the logbook's.
func (n *Node) Serve(routes []peer.Route) {
	n.handler.Store(peer.NewHandler(n.needs, append(n.Book.Routes(), routes...)))
}

// Key is what the node signs with.
func (n *Node) Key() ed25519.PrivateKey { return key(string(n.ID)) }

func (w *World) add(id core.MemberID) {
	w.t.Helper()
	n := &Node{ID: id, w: w, root: key("root of " + string(id))}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if n.Offline.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		n.handler.Load().ServeHTTP(rw, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.t.Cleanup(server.Close)
	n.url = server.URL
	n.DB = w.open(w.t, "logbook", logbook.Migrations())
	OK(w.t, db.Migrate(w.t.Context(), n.DB, "watch", migrations.Files))
	quiet := slog.New(slog.DiscardHandler)
	signer := seal.NewSigner(id, key(string(id)))
	n.Book = logbook.New(logbook.Needs{DB: n.DB, Signer: signer, Now: w.Clock, Log: quiet, Tuning: logbook.Tuning{Wait: time.Minute}})
	n.needs = peer.Needs{Signer: signer, Keyring: n.Book, Private: true, Now: w.Clock, Log: quiet}
	n.Client = peer.NewClient(n.needs)
	w.t.Cleanup(n.Client.CloseIdle)
	n.Book.Connect(n.Client)
	doc, err := format.NewKeySet(signer, n.url, 1).Sign(n.root)
	OK(w.t, err)
	OK(w.t, n.Book.Init(w.t.Context(), doc, core.RootKey(public(n.root))))
	n.Serve(nil)
	w.Nodes[id] = n
}

func key(name string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(sum[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey {
	return k.Public().(ed25519.PublicKey) //nolint:forcetypeassert,errcheck // ed25519 promises it
}

// OK ends a test on an error.
func OK(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
