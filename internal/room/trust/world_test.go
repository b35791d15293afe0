package trust

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

// world is a few nodes with real logbooks that speak real HTTP to one another
// and share a clock.
type world struct {
	t     *testing.T
	mu    sync.Mutex
	now   time.Time
	nodes map[core.MemberID]*node
}

// node is one hoster: the room under test over its own database.
type node struct {
	*Room
	w       *world
	id      core.MemberID
	root    ed25519.PrivateKey
	url     string
	offline atomic.Bool
	handler atomic.Pointer[peer.Handler]

	signer seal.Signer
	book   *logbook.Book
	client *peer.Client
}

func newWorld(t *testing.T, names ...core.MemberID) *world {
	t.Helper()
	w := &world{t: t, now: time.Now(), nodes: map[core.MemberID]*node{}}
	for _, id := range names {
		w.add(id)
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// wait moves the clock and lets every node do its periodic work, twice, so that
// what one learned reaches the next.
func (w *world) wait(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	for range 2 {
		for _, n := range w.nodes {
			if !n.offline.Load() {
				n.work()
			}
		}
	}
}

// work is one round of what a running node does.
func (n *node) work() {
	n.w.t.Helper()
	ctx := n.w.t.Context()
	trusttest.OK(n.w.t, errors.Join(n.book.Pull(ctx), n.book.Push(ctx), n.book.Deliver(ctx, n.Readers()), n.Members.Tasks.Run(ctx), n.Members.Settle(ctx)))
}

// add starts a node.
func (w *world) add(id core.MemberID) *node {
	w.t.Helper()
	n := &node{w: w, id: id, root: trusttest.KeyFrom("root of " + string(id)), signer: trusttest.SignerOf(id)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if n.offline.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		n.handler.Load().ServeHTTP(rw, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.t.Cleanup(server.Close)
	n.url = server.URL
	n.open(w.newDB())
	trusttest.OK(w.t, n.book.Init(w.t.Context(), trusttest.KeySet(w.t, id, n.url, n.root), trusttest.PublicRoot(n.root)))
	w.nodes[id] = n
	return n
}

func (w *world) newDB() *db.DB {
	w.t.Helper()
	d := dbtest.SQLite(w.t, "logbook", logbook.Migrations())
	trusttest.OK(w.t, db.Migrate(w.t.Context(), d, "trust", migrations.Files))
	return d
}

// open starts the node over a database, as a new process would.
func (n *node) open(d *db.DB) {
	n.w.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	n.book = logbook.New(logbook.Needs{
		DB: d, Signer: n.signer, Now: n.w.clock, Log: quiet,
		Tuning: logbook.Tuning{Wait: time.Minute}, // what a round did is there when it returns
	})
	needs := peer.Needs{Signer: n.signer, Keyring: n.book, Private: true, Now: n.w.clock, Log: quiet}
	n.client = peer.NewClient(needs)
	n.w.t.Cleanup(n.client.CloseIdle)
	n.book.Connect(n.client)
	room, err := New(Needs{
		DB: d, Types: trusttest.Types(), Signer: n.signer, Self: n.address(), Book: n.book, Follower: n.book, Caller: n.client,
		Home: n.w.home, Now: n.w.clock, Log: quiet,
	})
	trusttest.OK(n.w.t, err)
	n.Room = room
	n.handler.Store(peer.NewHandler(needs, append(n.book.Routes(), room.Fittings().Peer...)))
}

// home is where a domain's own node is, as DNS would have it.
func (w *world) home(a member.Address) string {
	if n := w.nodes[a.Member]; n != nil {
		return n.url
	}
	return "http://127.0.0.1:1" // nobody
}

func (n *node) address() member.Address {
	return member.Address{Member: n.id, URL: n.url, Root: trusttest.PublicRoot(n.root)}
}

// befriend has two nodes add each other by an invitation.
func (w *world) befriend(host, guest core.MemberID) {
	w.t.Helper()
	in, err := w.nodes[host].Members.Invite(w.t.Context(), time.Hour)
	trusttest.OK(w.t, err)
	_, err = w.nodes[guest].Members.Add(w.t.Context(), in.Address, in.Code)
	trusttest.OK(w.t, err)
}

// types lists what a node wrote in its logbook after its key set.
func (n *node) types() (out []string) {
	n.w.t.Helper()
	for _, e := range trusttest.Must[[]logbook.Entry](n.w.t)(n.book.Entries(n.w.t.Context(), n.id, 1, 100)) {
		out = append(out, e.Typ)
	}
	return out
}

// suspend has a node believe that it saw another fork.
func (n *node) suspend(id core.MemberID, at core.Moment) {
	n.w.t.Helper()
	_, err := db.Exec(n.w.t.Context(), n.DB, `UPDATE logbook_member SET forked_us = $2 WHERE id = $1`, string(id), int64(at))
	trusttest.OK(n.w.t, err)
}

func (n *node) follows(id core.MemberID) bool {
	n.w.t.Helper()
	_, err := n.book.Member(n.w.t.Context(), id)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		n.w.t.Fatal(err)
	}
	return err == nil
}

// keyOf is the sentence an error would show, "" for none.
func keyOf(err error) string {
	var e *core.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Key
	}
	return err.Error()
}

func store(bytes int64) core.Grant { return trusttest.Store(bytes) }
