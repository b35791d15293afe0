package breakglass

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

const hosterA core.MemberID = "chaton-a.test"

// world is A, which dealt a box of root 3 of 5, and the holders B to F, each a node with its
// own database. Calls between them go through JSON.
type world struct {
	t       testing.TB
	dir     string
	really  time.Time
	nodes   map[core.MemberID]*node
	deal    collect.Deal
	sealed  []byte
	content string
	seed    seal.Seed
	down    map[core.MemberID]bool
	heirs   *successors       // what is known of successors; nil = nobody knows any
	decided map[string]string // decisions, and how they stand; nil = nobody knows any
}

// node is one hoster.
type node struct {
	*Asks
	w       *world
	id      core.MemberID
	db      *db.DB
	signer  seal.Signer
	share   share.Share
	off     time.Duration // of the clock on the wall
	burnt   core.Moment
	log     []logbook.Entry
	dies    bool // after the next entry, before anybody hears that it was written
	mails   []string
	unheard bool
	hears   bool // even who is unheard elsewhere
	heardOf map[core.MemberID]int
}

func newWorld(t testing.TB, first *db.DB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), really: made.Time(), nodes: map[core.MemberID]*node{}, down: map[core.MemberID]bool{}, content: "the twenty-four words"}
	var err error
	if w.seed, err = seal.NewSeed(); err != nil {
		t.Fatal(err)
	}
	id := aDeal(t)
	secret, err := share.New()
	if err != nil {
		t.Fatal(err)
	}
	shares, c, err := secret.Split(id, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	to, err := secret.Recipient(id)
	if err != nil {
		t.Fatal(err)
	}
	w.sealed = encrypt(t, to, string(id)+"\n"+w.content)
	w.deal = collect.Deal{ID: id, Owner: hosterA, Scope: "root", K: 3, Wait: 14 * day, Commitments: c, Cards: map[string]string{"ana": "key of ana"}}
	for i, m := range []core.MemberID{hosterA, "chaton-b.test", "chaton-c.test", "chaton-d.test", "chaton-e.test", "chaton-f.test"} {
		d := first
		if i > 0 || first == nil {
			d = dbtest.SQLite(t, "custody", migrations.Files)
		}
		n := &node{w: w, id: m, db: d, signer: newSigner(t, m), heardOf: map[core.MemberID]int{}}
		if i > 0 {
			n.share = shares[i-1]
			w.deal.Members = append(w.deal.Members, m)
		}
		w.nodes[m] = n
		n.start()
	}
	w.must(w.document())
	return w
}

// document has A sign the deal.
func (w *world) document() error {
	text, err := json.Marshal(map[string]any{"id": w.deal.ID, "members": w.deal.Members, "commitments": w.deal.Commitments})
	if err != nil {
		return err
	}
	w.deal.Document, err = seal.SignDoc("test-deal", text, w.nodes[hosterA].signer)
	return err
}

func encrypt(t testing.TB, to age.Recipient, text string) []byte {
	t.Helper()
	var out writer
	x, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

type writer []byte

func (w *writer) Write(b []byte) (int, error) { *w = append(*w, b...); return len(b), nil }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// join adds a node that holds nothing.
func (w *world) join(id core.MemberID) *node {
	n := &node{w: w, id: id, db: dbtest.SQLite(w.t, "custody", migrations.Files), signer: newSigner(w.t, id), heardOf: map[core.MemberID]int{}}
	w.nodes[id] = n
	n.start()
	return n
}

// start starts the node's process again.
func (n *node) start() {
	began := n.w.really
	n.Asks = New(Needs{
		DB: n.db, Signer: n.signer, Book: n, Peer: n, Deals: n, Boxes: n, Box: seal.NewBox([32]byte{1}), Lock: filepath.Join(n.w.dir, string(n.id)),
		Mailer: func() (Mailer, bool) { return n, true }, Mails: func(context.Context) ([]string, error) { return []string{"ana@chaton-a.test"}, nil },
		Card: func(key string, message []byte, signature string) error {
			if signature != key+string(message) {
				return core.Denied("test", errors.New("another's"))
			}
			return nil
		},
		Unseal: func(with age.Identity, deal share.ID, sealed []byte) ([]byte, error) {
			return unseal(with, string(deal), sealed)
		},
		Least: ask.LeastWait, Alive: ask.Alive, Say: n, Decisions: func() (mandate.Decisions, bool) { return n, n.w.decided != nil }, Successors: func() (heir.Successors, bool) { return n.w.heirs, n.w.heirs != nil }, Now: func() time.Time { return n.w.really.Add(n.off) }, Ran: func() time.Duration { return n.w.really.Sub(began) },
		Log: slog.New(slog.DiscardHandler),
	})
	n.w.must(n.Tick(n.w.t.Context()))
}

func (n *node) Mandate(_ context.Context, id string, owner core.MemberID) (title, standing string, err error) {
	if s, ok := n.w.decided[id]; ok && owner == hosterA {
		return "One key for all", s, nil
	}
	return "", "", core.NotFound("test", errors.New("no such decision"))
}

func (n *node) T(key string, _ map[string]any) string { return key }
func (n *node) CanMail() bool                         { return true }
func (n *node) Mail(_ context.Context, to, _, _ string) error {
	n.mails = append(n.mails, to)
	return nil
}

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	n.w.must(err)
	e := logbook.Entry{Log: n.id, Index: int64(len(n.log)), Typ: typ, Iat: n.now(), Body: text}
	n.log = append(n.log, e)
	if n.dies {
		n.dies = false
		return e, errors.New("killed")
	}
	return e, nil
}

func (n *node) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	if o := n.w.nodes[id]; o != nil {
		return []ed25519.PublicKey{o.signer.Public()}, nil
	}
	return nil, core.NotFound("test", errors.New("a stranger"))
}

func (n *node) Known(context.Context) (out []logbook.Member, err error) {
	for id, o := range n.w.nodes {
		m := logbook.Member{ID: id, Size: int64(len(o.log)), Heard: core.At(n.w.really.Add(-time.Minute))}
		if id == hosterA {
			m.Root = n.w.seed.Root()
		}
		if o.unheard && !n.hears {
			m.Heard = core.At(made.Time().Add(-30 * day))
		}
		out = append(out, m)
	}
	return out, nil
}

func (n *node) Entries(_ context.Context, id core.MemberID, from int64, _ int) ([]logbook.Entry, error) {
	log := n.w.nodes[id].log
	return log[min(from, int64(len(log))):], nil
}

func (n *node) URL(_ context.Context, id core.MemberID) (string, error) {
	return "https://" + string(id), nil
}

// JSON carries a call to another node, as the network would.
func (n *node) JSON(ctx context.Context, to core.MemberID, _, path string, in, out any) error {
	o := n.w.nodes[to]
	if o == nil || n.w.down[to] {
		return core.Unsure("peer.unreachable", errors.New("down"))
	}
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := o.serve(ctx, path, text)
	if err != nil || out == nil {
		return err
	}
	if text, err = json.Marshal(answer); err != nil {
		return err
	}
	return wire.Peek(text, out)
}

func (n *node) serve(ctx context.Context, path string, text []byte) (answer any, err error) {
	switch path {
	case collect.PathAsk:
		var m collect.AskMessage
		n.w.must(wire.Decode(text, &m))
		return n.Take(ctx, m.Ask)
	case collect.PathWord:
		var m wordMessage
		n.w.must(wire.Decode(text, &m))
		return nil, n.Hear(ctx, m)
	case collect.PathShare:
		var m collect.ShareMessage
		n.w.must(wire.Decode(text, &m))
		return n.Hand(ctx, m.Ask)
	case collect.PathHeld:
		var m collect.HeldMessage
		n.w.must(wire.Decode(text, &m))
		all, err := n.HeldOf(ctx, m.Owner)
		var out collect.HeldAnswer
		for _, d := range all {
			out.Deals = append(out.Deals, collect.HeldOf(d))
		}
		return out, err
	}
	return nil, errors.New(path)
}

func (n *node) Held(_ context.Context, id share.ID) (collect.Deal, error) {
	if id != n.w.deal.ID || n.id == hosterA || !slices.Contains(n.w.deal.Members, n.id) {
		return collect.Deal{}, core.NotFound("test", errors.New("not held"))
	}
	d := n.w.deal
	d.Ended = n.burnt
	return d, nil
}

func (n *node) Own(_ context.Context, id share.ID) (collect.Deal, error) {
	if id != n.w.deal.ID || n.id != hosterA {
		return collect.Deal{}, core.NotFound("test", errors.New("not ours"))
	}
	d := n.w.deal
	d.Ended = n.burnt
	return d, nil
}

func (n *node) Share(context.Context, share.ID) (share.Share, error) { return n.share, nil }
func (n *node) Contacts(context.Context, share.ID) (string, error) {
	return "Ana, 01 02 03 04 05, ana@chaton-a.test; bob@chaton-a.test.", nil
}

func (n *node) Burn(_ context.Context, _ db.Querier, _ share.ID, at core.Moment) (bool, error) {
	n.burnt = at
	return true, nil
}

func (n *node) Standing(ctx context.Context, _ string) (collect.Deal, error) {
	return n.Own(ctx, n.w.deal.ID)
}

func (n *node) HeldOf(ctx context.Context, owner core.MemberID) ([]collect.Deal, error) {
	d, err := n.Held(ctx, n.w.deal.ID)
	if err != nil || owner != d.Owner || d.Ended != 0 {
		return nil, nil //nolint:nilerr // none
	}
	return []collect.Deal{d}, nil
}

func (n *node) Sealed(context.Context, share.ID) ([]byte, error) { return n.w.sealed, nil }
func (n *node) Holds(context.Context, share.ID) ([]string, error) {
	return []string{"the words", "the account at the registrar"}, nil
}

func (n *node) Read(env seal.Envelope) (collect.Deal, error) {
	if env.Payload != n.w.deal.Document.Payload {
		return collect.Deal{}, core.Invalid("test", errors.New("another"))
	}
	return n.w.deal, nil
}

// passes lets time pass; each node ticks and works.
func (w *world) passes(d time.Duration) {
	w.t.Helper()
	for d > 0 {
		step := min(d, 10*day)
		w.really, d = w.really.Add(step), d-step
		for _, n := range w.nodes {
			if !w.down[n.id] {
				w.must(n.Tick(w.t.Context()))
			}
		}
	}
	w.work()
}

// work has each node do its jobs, and hear what others' logbooks say.
func (w *world) work() {
	w.t.Helper()
	for range 2 {
		for _, n := range w.nodes {
			if w.down[n.id] {
				continue
			}
			w.must(n.Run(w.t.Context()))
			for id, o := range w.nodes {
				for _, e := range o.log[n.heardOf[id]:] {
					w.must(n.heard(w.t.Context(), e))
				}
				n.heardOf[id] = len(o.log)
			}
		}
	}
}

func (w *world) node(letter string) *node {
	return w.nodes[core.MemberID("chaton-"+letter+".test")]
}

// opens has A ask for its own box.
func (w *world) opens() ask.Signed {
	w.t.Helper()
	s, err := w.node("a").Open(w.t.Context(), Wish{Scope: "root", Reason: ask.LostOwn, Purpose: "fire"})
	w.must(err)
	w.work()
	return s
}

func (w *world) state(letter, id string) ask.State {
	w.t.Helper()
	n := w.node(letter)
	r, err := get(w.t.Context(), n.db, id)
	w.must(err)
	v, err := n.judge(w.t.Context(), r)
	w.must(err)
	return v.State
}

func (w *world) entries(typ string) (n int) {
	for _, o := range w.nodes {
		for _, e := range o.log {
			if e.Typ == typ {
				n++
			}
		}
	}
	return n
}

func code(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "custody", fs.FS(migrations.Files), func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

const day = 24 * time.Hour

var made = core.At(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))

func newSigner(t testing.TB, id core.MemberID) seal.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewSigner(id, key)
}

// anAsk is one that is well formed.
func anAsk(t testing.TB, deal share.ID) ask.Ask {
	t.Helper()
	to, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return ask.Ask{
		Deal: deal, Owner: hosterA, Scope: "root", Reason: ask.LostOwn, Role: ask.AsMember, Asker: "chaton-b.test",
		Recipient: to.Recipient().String(), Made: made, Expires: made.Add(60 * day),
	}
}

func aDeal(t testing.TB) share.ID {
	t.Helper()
	id, err := share.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// signDomain makes an ask that nobody's key signed.
func signDomain(t testing.TB, a ask.Ask) ask.Signed {
	t.Helper()
	key := newSigner(t, a.Owner)
	a.Role, a.Asker, a.Key = ask.AsDomain, a.Owner, keyText(key)
	s, err := ask.Sign(a, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keyText(by seal.Signer) string { return base64.StdEncoding.EncodeToString(by.Public()) }
