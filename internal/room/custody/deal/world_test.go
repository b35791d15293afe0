package deal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/recipient"
)

const owner core.MemberID = "chaton-a.test"

// world is some members on one clock. Calls between them go to the other's own handlers.
type world struct {
	t     *testing.T
	now   time.Time
	nodes map[core.MemberID]*node
	ana   *age.X25519Identity // of a person of the owner's
	// meddle may change what is sent; nil = nothing does.
	meddle func(path string, body []byte) []byte
}

// node is one member.
type node struct {
	*Deals
	keep     *Keeper
	w        *world
	id       core.MemberID
	db       *db.DB
	root     seal.Seed
	log      []logbook.Entry
	away     bool
	promises bool // keeps shares for the owner
	site     string
	killed   func() bool // says whether the next append is the last thing it does
}

var errKilled = errors.New("killed")

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	if n.killed != nil && n.killed() {
		return logbook.Entry{}, errKilled
	}
	text, err := json.Marshal(body)
	if err != nil {
		return logbook.Entry{}, err
	}
	e := logbook.Entry{Log: n.id, Index: int64(len(n.log)), Typ: typ, Iat: core.At(n.w.now), Body: text}
	e.Hash[0], e.Hash[1] = byte(len(n.log)), 1
	n.log = append(n.log, e)
	return e, nil
}

func (n *node) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	other, ok := n.w.nodes[id]
	if !ok {
		return nil, core.NotFound("peer.unknown", errors.New("a stranger"))
	}
	return []ed25519.PublicKey{other.n.Signer.Public()}, nil
}

func (n *node) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	other := n.w.nodes[id]
	return logbook.Member{ID: id, Size: int64(len(other.log)), Root: other.root.Root()}, nil
}

func (n *node) Entries(_ context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
	log := n.w.nodes[id].log
	from = min(from, int64(len(log)))
	return log[from:min(len(log), int(from)+limit)], nil
}

func (n *node) May(_ context.Context, who core.MemberID, _ core.GrantKind) (core.Allowance, error) {
	if who != owner || !n.promises {
		return core.Allowance{}, core.Denied("trust.no_pact", errors.New("no pact"))
	}
	return core.Allowance{}, nil
}

func (n *node) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	var out []core.Lender
	for _, other := range n.w.nodes {
		if other.promises {
			out = append(out, core.Lender{ID: other.id, Site: other.site})
		}
	}
	return out, nil
}

func (n *node) Admin(_ context.Context, typed string) (Admin, error) {
	if typed != "ana" {
		return Admin{}, core.NotFound("custody.person.none", errors.New("nobody"))
	}
	return Admin{ID: "0a0b", Place: "person/0a0b", Recipient: n.w.ana.Recipient()}, nil
}

func (n *node) Cards(context.Context) ([]Card, error) { return nil, nil }

func (n *node) Contacts(context.Context) ([]byte, error) { return []byte("Call +00 000"), nil }

// JSON calls another member's handler.
func (n *node) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	other := n.w.nodes[to]
	if other.away {
		return core.Unsure("peer.unreachable", errors.New("away"))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if n.w.meddle != nil {
		body = n.w.meddle(path, body)
	}
	for _, r := range other.keep.PeerRoutes() {
		if r.Pattern != method+" "+path {
			continue
		}
		rec := httptest.NewRecorder()
		if err := r.Handle(rec, httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body)), n.id); err != nil {
			return err
		}
		return json.Unmarshal(rec.Body.Bytes(), out)
	}
	return errors.New("no route " + path)
}

// newWorld is the owner and members b, c, d, e that promised to keep shares. The first database
// is the owner's; each of the others has its own.
func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), nodes: map[core.MemberID]*node{}}
	var err error
	if w.ana, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	w.add(owner, d)
	for _, id := range []core.MemberID{"chaton-b.test", "chaton-c.test", "chaton-d.test", "chaton-e.test"} {
		w.add(id, dbtest.SQLite(t, "custody", migrations.Files)).promises = true
	}
	for _, n := range w.nodes {
		if err := n.n.Recipients.Say(t.Context(), func(ctx context.Context, typ string, body any) error {
			_, err := n.Append(ctx, typ, nil, 0, body)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.tellAll()
	return w
}

func (w *world) add(id core.MemberID, d *db.DB) *node {
	w.t.Helper()
	n := &node{w: w, id: id, db: d}
	w.nodes[id] = n
	var err error
	if n.root, err = seal.NewSeed(); err != nil {
		w.t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	own, err := recipient.OpenKey(filepath.Join(w.t.TempDir(), "custody.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	now := func() time.Time { return w.now }
	needs := Needs{
		DB: d, Signer: seal.NewSigner(id, key), Kind: "custody", Book: n, Trust: n, Peer: n, People: n,
		Recipients: &recipient.Recipients{DB: d, Self: id, Key: own, Now: now}, Box: seal.NewBox([32]byte{1}), LeastWait: 24 * time.Hour,
		Now: now, Log: slog.New(slog.DiscardHandler),
	}
	n.Deals, n.keep = New(needs), NewKeeper(needs)
	return n
}

// tellAll has every node read every logbook from its beginning.
func (w *world) tellAll() {
	w.t.Helper()
	for _, n := range w.nodes {
		for _, r := range append(n.n.Recipients.Readers(), n.Readers()...) {
			for _, other := range w.nodes {
				for _, e := range other.log {
					if e.Typ == r.Types[0] && r.Read(w.t.Context(), e) != nil {
						w.t.Fatal("an entry is not read")
					}
				}
			}
		}
	}
}

func (w *world) owner() *node { return w.nodes[owner] }

// deal has the owner deal the secret of a scope.
func (w *world) deal(wish Wish) Own {
	w.t.Helper()
	id, err := w.owner().Make(w.t.Context(), wish)
	if err != nil {
		w.t.Fatal(err)
	}
	own, err := w.owner().Deal(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return own
}

// four is 3 of 4 members.
func four(content string) Wish {
	return Wish{Scope: box.Domain, K: 3, To: []string{"chaton-b.test", "chaton-c.test", "chaton-d.test", "chaton-e.test"}, Content: []byte(content)}
}

func wants(t *testing.T, err error, key string) {
	t.Helper()
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Key != key {
		t.Errorf("got %v, want %s", err, key)
	}
}
