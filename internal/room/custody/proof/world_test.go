package proof

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

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/recipient"
	"entrechat/internal/room/custody/share"
)

const owner core.MemberID = "chaton-a.test"

// world is an owner and three members that keep its shares, on one clock.
type world struct {
	t     *testing.T
	now   time.Time
	nodes map[core.MemberID]*node
}

// node is one member.
type node struct {
	*Proofs
	w          *world
	id         core.MemberID
	db         *db.DB
	recipients *recipient.Recipients
	log        []logbook.Entry
	away       bool
}

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := json.Marshal(body)
	e := logbook.Entry{Log: n.id, Index: int64(len(n.log)), Typ: typ, Iat: core.At(n.w.now), Body: text}
	e.Hash[0], e.Hash[1] = byte(len(n.log)), 7
	n.log = append(n.log, e)
	return e, err
}

func (n *node) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{n.w.nodes[id].Signer.Public()}, nil
}

func (n *node) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	return logbook.Member{ID: id, Size: int64(len(n.w.nodes[id].log))}, nil
}

func (n *node) Entries(_ context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
	log := n.w.nodes[id].log
	from = min(from, int64(len(log)))
	return log[from:min(len(log), int(from)+limit)], nil
}

func (n *node) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{}, nil
}

func (n *node) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	return []core.Lender{{ID: "chaton-b.test"}, {ID: "chaton-c.test"}, {ID: "chaton-d.test"}}, nil
}

func (n *node) Admin(context.Context, string) (deal.Admin, error) {
	return deal.Admin{}, core.NotFound("custody.person.none", errors.New("nobody"))
}

func (n *node) Cards(context.Context) ([]deal.Card, error) { return nil, nil }

func (n *node) Contacts(context.Context) ([]byte, error) { return nil, nil }

func (n *node) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	other := n.w.nodes[to]
	if other.away {
		return core.Unsure("peer.unreachable", errors.New("away"))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for _, r := range append(other.Keeper.PeerRoutes(), other.PeerRoutes()...) {
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

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2027, 1, 10, 12, 0, 0, 0, time.UTC), nodes: map[core.MemberID]*node{}}
	w.add(owner, d)
	for _, id := range []core.MemberID{"chaton-b.test", "chaton-c.test", "chaton-d.test"} {
		w.add(id, dbtest.SQLite(t, "custody", migrations.Files))
	}
	for _, n := range w.nodes {
		if err := n.recipients.Say(t.Context(), func(ctx context.Context, typ string, body any) error {
			_, err := n.Append(ctx, typ, nil, 0, body)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.tellAll()
	return w
}

func (w *world) add(id core.MemberID, d *db.DB) {
	w.t.Helper()
	n := &node{w: w, id: id, db: d}
	w.nodes[id] = n
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	own, err := recipient.OpenKey(filepath.Join(w.t.TempDir(), "custody.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	now, log := func() time.Time { return w.now }, slog.New(slog.DiscardHandler)
	n.recipients = &recipient.Recipients{DB: d, Self: id, Key: own, Now: now}
	needs := deal.Needs{
		DB: d, Signer: seal.NewSigner(id, key), Kind: "custody", Book: n, Trust: n, Peer: n, People: n, Recipients: n.recipients,
		Box: seal.NewBox([32]byte{1}), Now: now, Log: log,
	}
	n.Proofs = &Proofs{DB: d, Signer: needs.Signer, Book: n, Peer: n, Deals: deal.New(needs), Keeper: deal.NewKeeper(needs), Now: now, Log: log}
}

// tellAll has every node read every logbook from its beginning.
func (w *world) tellAll() {
	w.t.Helper()
	for _, n := range w.nodes {
		for _, r := range append(n.recipients.Readers(), n.Deals.Readers()...) {
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

// deal has the owner deal a secret to the three, 2 of which open it.
func (w *world) deal(paper ...string) deal.Own {
	w.t.Helper()
	a := w.nodes[owner]
	id, err := a.Deals.Make(w.t.Context(), deal.Wish{Scope: box.Domain, K: 2, To: []string{"chaton-b.test", "chaton-c.test", "chaton-d.test"}, Paper: paper, Content: []byte("x")})
	if err != nil {
		w.t.Fatal(err)
	}
	own, err := a.Deals.Deal(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tellAll()
	return own
}

// prints is a share of the owner's on paper.
func (w *world) prints(id share.ID, number int64) (text string) {
	w.t.Helper()
	if err := w.nodes[owner].Deals.Print(w.t.Context(), id, number, false, func(f deal.Fetched) error { text = f.Share.Text(); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return text
}

// sendAll has every holder send its proofs.
func (w *world) sendAll() {
	w.t.Helper()
	for _, n := range w.nodes {
		if err := n.Send(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// standings are those of the owner's only deal, by share.
func (w *world) standings(id core.MemberID) (View, []Standing) {
	w.t.Helper()
	views, err := w.nodes[id].Views(w.t.Context())
	if err != nil || len(views) != 1 {
		w.t.Fatal(len(views), err)
	}
	var out []Standing
	for _, s := range views[0].Shares {
		out = append(out, s.Standing)
	}
	return views[0], out
}

func wants(t *testing.T, err error, key string) {
	t.Helper()
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Key != key {
		t.Errorf("got %v, want %s", err, key)
	}
}
