package pack

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/promise"
)

const (
	owner core.MemberID = "chaton-a.test"
	b     core.MemberID = "chaton-b.test"
	c     core.MemberID = "chaton-c.test"
)

// ring is who the members are, and where; what one says in its logbook all hear at once.
type ring struct {
	t     testing.TB
	now   time.Time
	keys  map[core.MemberID]ed25519.PrivateKey
	urls  map[core.MemberID]string
	nodes []*node
	index int64
}

func newRing(t testing.TB) *ring {
	t.Helper()
	r := &ring{t: t, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), keys: map[core.MemberID]ed25519.PrivateKey{}, urls: map[core.MemberID]string{}}
	for _, id := range []core.MemberID{owner, b, c} {
		seed := sha256.Sum256([]byte(id))
		r.keys[id] = ed25519.NewKeyFromSeed(seed[:])
	}
	return r
}

func (r *ring) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	key, ok := r.keys[id]
	if !ok {
		return nil, core.NotFound("peer.stranger", nil)
	}
	return []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, nil
}

func (r *ring) URL(_ context.Context, id core.MemberID) (string, error) { return r.urls[id], nil }

func (r *ring) moment() time.Time { return r.now }

// node is a member with packs.
type node struct {
	*Service
	t        testing.TB
	ring     *ring
	id       core.MemberID
	identity *age.X25519Identity // of the backup
	made     int64
	promises *promise.Promises
	readonly bool // the pact with it ends
	url      string
}

// Append says something in the logbook of a node; all hear it.
func (n *node) Append(ctx context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	n.ring.index++
	e := logbook.Entry{Log: n.id, Index: n.ring.index, Typ: typ, Iat: core.At(n.ring.now), Body: text}
	for _, other := range n.ring.nodes {
		err = errors.Join(err, other.promises.Readers()[0].Read(ctx, e))
	}
	return e, err
}

func (n *node) Lenders(context.Context, core.GrantKind) (out []core.Lender, _ error) {
	for _, id := range []core.MemberID{owner, b, c} {
		out = append(out, core.Lender{ID: id})
	}
	return out, nil
}

func (n *node) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{ReadOnly: n.readonly}, nil
}

func (r *ring) node(d *db.DB, id core.MemberID) *node {
	r.t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		r.t.Fatal(err)
	}
	n := &node{t: r.t, ring: r, id: id, identity: identity}
	signer := seal.NewSigner(id, r.keys[id])
	n.promises = promise.New(promise.Needs{DB: d, Self: id, Kind: "succeed", Book: n, Trust: n, Private: true, Now: r.moment})
	needs := peer.Needs{Signer: signer, Keyring: r, Private: true, Now: r.moment, Log: slog.New(slog.DiscardHandler)}
	n.Service = New(Needs{
		DB: d, Dir: r.t.TempDir(), Signer: signer, Promises: n.promises, Keys: r, Peer: peer.NewClient(needs), Now: r.moment, Log: slog.New(slog.DiscardHandler),
	})
	n.disk = n.disk.WithFloor(0)
	server := httptest.NewServer(peer.NewHandler(needs, n.PeerRoutes()))
	r.t.Cleanup(server.Close)
	r.urls[id], n.url = server.URL, server.URL
	r.nodes = append(r.nodes, n)
	return n
}

func (n *node) ok(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// filled is a whole pack of the service mail, all items proved now.
func (n *node) filled() Pack {
	n.t.Helper()
	people, err := EncodePeople([]Person{{User: "ana", Mail: "ana@elsewhere.test"}, {User: "bo"}})
	n.ok(err)
	n.made++
	files := Files{PeopleName: people, "legal/legal.md": []byte("# Terms\n")}
	recipient := n.identity.Recipient().String()
	sealed, err := Seal(files, recipient)
	n.ok(err)
	sum := sha256.Sum256(sealed)
	p := Pack{Service: "mail", Number: n.made, Made: n.now(), Recipient: recipient, Sealed: hex.EncodeToString(sum[:]), SealedBytes: int64(len(sealed))}
	for _, name := range Names() {
		i := Item{Name: name, State: There, Proved: n.now(), How: BySaid}
		i.SHA256, i.Bytes = files.Sums(name)
		p.Items = append(p.Items, i)
	}
	p, err = Sign(p, n.n.Signer)
	n.ok(err)
	n.ok(n.Put(n.t.Context(), p, "", sealed))
	return p
}

// show is our pack with how far its successors are.
func (n *node) show() View {
	n.t.Helper()
	p, _, _, err := n.Last(n.t.Context(), "mail")
	n.ok(err)
	v := ViewOf(p, n.now())
	v.Successors, err = n.Successors(n.t.Context(), p)
	n.ok(err)
	return v
}

func (n *node) name(to ...core.MemberID) {
	n.t.Helper()
	n.ok(n.promises.Name(n.t.Context(), promise.Naming{Service: "mail", Backups: []string{"mail"}, Successors: to}))
}

// pair is an owner that names b, and b.
func pair(t *testing.T, d *db.DB) (a, other *node) {
	t.Helper()
	r := newRing(t)
	a, other = r.node(d, owner), r.node(dbtest.SQLite(t, "succession", migrations.Files), b)
	a.name(b)
	return a, other
}

func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, "succession", migrations.Files, fn)
}
