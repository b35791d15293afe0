package decision

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/assembly/tally"
)

const (
	day   = 24 * time.Hour
	house = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" // the collective
)

// world is hosters of one collective, each a node with its own database, on one clock. What
// they log reaches the others when run says so, but for who is cut off.
type world struct {
	t     testing.TB
	at    time.Time
	nodes []*node
	cut   map[core.MemberID]bool // reach nobody, and nobody reaches them
}

// node is one hoster.
type node struct {
	*Service
	w      *world
	id     core.MemberID
	db     *db.DB
	signer seal.Signer
	seed   seal.Seed
	dir    string
	log    []logbook.Entry
	resign core.Moment // of its head
	// read is how far it read the others' logbooks, heard when it last heard their head.
	read   map[core.MemberID]int
	heard  map[core.MemberID]core.Moment
	closed error // of its logbook: nothing can be appended
	dies   bool  // after the next entry, before anybody hears that it was written
	eyes   bool
	key    byte // of its box
	mails  []string
	asked  func() // runs once a document was answered to it, before it takes it in
}

func newWorld(t testing.TB, count int, first *db.DB) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC), cut: map[core.MemberID]bool{}}
	for i := range count {
		d := first
		if i > 0 || first == nil {
			d = dbtest.SQLite(t, "assembly", migrations.Files)
		}
		n := &node{w: w, id: core.MemberID(fmt.Sprintf("chaton-%c.test", 'a'+i)), db: d, dir: t.TempDir(), key: 1, read: map[core.MemberID]int{}, heard: map[core.MemberID]core.Moment{}}
		_, key, err := ed25519.GenerateKey(nil)
		w.must(err)
		n.seed, err = seal.NewSeed()
		w.must(err)
		n.signer = seal.NewSigner(n.id, key)
		w.nodes = append(w.nodes, n)
		n.start()
	}
	return w
}

// start starts the node's process again.
func (n *node) start() {
	n.Service = New(Needs{
		DB: n.db, Signer: n.signer, Book: n, Peer: n, Electors: n, Box: seal.NewBox([32]byte{n.key}), Lock: filepath.Join(n.dir, "lock"), FourEyes: n.eyes,
		Recovery: func() (*age.X25519Recipient, error) {
			identity, err := n.seed.RecoveryIdentity()
			if err != nil {
				return nil, err
			}
			return identity.Recipient(), nil
		},
		URL: "https://" + string(n.id), Lang: "fr", Mailer: func() (Mailer, bool) { return n, true },
		Mails: func(context.Context) ([]string, error) { return []string{"ana@" + string(n.id)}, nil },
		Say:   n, Now: func() time.Time { return n.w.at }, Log: slog.New(slog.DiscardHandler),
	})
}

// lose takes the node's database away, and what lies beside it; its logbook comes back.
func (n *node) lose() {
	n.db = dbtest.SQLite(n.w.t, "assembly", migrations.Files)
	n.read, n.key = map[core.MemberID]int{}, n.key+1
	n.start()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (n *node) T(key string, _ map[string]any) string { return key }
func (n *node) CanMail() bool                         { return true }
func (n *node) Mail(_ context.Context, _, title, _ string) error {
	n.mails = append(n.mails, strings.TrimSuffix(strings.TrimPrefix(title, "assembly.decision.mail_"), "_title"))
	return nil
}

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	if n.closed != nil {
		return logbook.Entry{}, n.closed
	}
	text, err := wire.Encode(body)
	n.w.must(err)
	e := logbook.Entry{Log: n.id, Index: int64(len(n.log)), Typ: typ, Iat: core.At(n.w.at), Body: text}
	n.log = append(n.log, e)
	n.resign = core.At(n.w.at)
	if n.dies {
		n.dies = false
		return logbook.Entry{}, errors.New("killed")
	}
	return e, nil
}

func (n *node) Resign(context.Context) error { n.resign = core.At(n.w.at); return nil }

func (n *node) Entries(_ context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
	log := n.w.node(id).log
	return log[min(int(from), len(log)):min(int(from)+limit, len(log))], nil
}

func (n *node) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{n.w.node(id).signer.Public()}, nil
}

func (n *node) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	o := n.w.node(id)
	return logbook.Member{ID: id, Root: o.seed.Root(), Size: int64(len(o.log)), Heard: n.heard[id]}, nil
}

func (n *node) Draw(_ context.Context, _ string, at core.Moment) (elector.Drawn, error) {
	d := elector.Drawn{Charter: elector.Charter{ID: house, Name: "Maison"}, At: at}
	for _, o := range n.w.nodes {
		d.Candidates = append(d.Candidates, elector.Candidate{Member: o.id, Root: o.seed.Root(), Admitted: true, Founder: true})
		d.Heads = append(d.Heads, elector.Head{Member: o.id, Size: int64(len(o.log))})
	}
	return d, nil
}

func (n *node) Recheck(context.Context, elector.Named) (elector.Check, error) {
	return elector.Check{}, nil
}

func (n *node) Followed(context.Context) ([]elector.Charter, error) {
	return []elector.Charter{{ID: house, Name: "Maison"}}, nil
}

func (n *node) JSON(ctx context.Context, to core.MemberID, _, path string, _, out any) error {
	if n.w.cut[n.id] != n.w.cut[to] {
		return core.Unsure("test", errors.New("cut off"))
	}
	env, gone, err := n.w.node(to).a.Document(ctx, strings.TrimPrefix(path, archive.PathDocuments))
	if err != nil || gone {
		return core.NotFound("test", errors.Join(err, fs.ErrNotExist))
	}
	if n.asked != nil {
		n.asked()
	}
	text, err := env.Encode()
	if err != nil {
		return err
	}
	return wire.Decode(text, out)
}

func (w *world) node(id core.MemberID) *node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	w.t.Fatalf("nobody is %s", id)
	return nil
}

// hear lets a node read what the others logged.
func (n *node) hear() {
	reader := n.Readers()[0]
	for _, o := range n.w.nodes {
		if n.w.cut[n.id] != n.w.cut[o.id] && n != o {
			continue
		}
		n.heard[o.id] = max(n.heard[o.id], o.resign)
		for n.read[o.id] < len(o.log) {
			e := o.log[n.read[o.id]]
			if slices.Contains(reader.Types, e.Typ) {
				n.w.must(reader.Read(n.w.t.Context(), e))
			}
			n.read[o.id]++
		}
	}
}

// run lets everybody hear, fetch and do what is due, until nobody has anything to do.
func (w *world) run() {
	w.t.Helper()
	for range 4 {
		before := w.written()
		for _, n := range w.nodes {
			n.hear()
			_, err := n.a.Fetch(w.t.Context())
			w.must(err)
			if _, err := n.Turn(w.t.Context()); err != nil && core.CodeOf(err) != core.CodeUnsure {
				w.t.Fatal(n.id, err)
			}
		}
		if w.written() == before {
			return
		}
	}
}

func (w *world) written() (all int) {
	for _, n := range w.nodes {
		all += len(n.log)
	}
	return all
}

// pass lets time pass in steps, and everybody do what is due in each.
func (w *world) pass(d, step time.Duration) {
	w.t.Helper()
	for end := w.at.Add(d); w.at.Before(end); {
		w.at = w.at.Add(min(step, end.Sub(w.at)))
		w.run()
	}
}

// draft is a consent in its usual times.
func (w *world) draft(title string) Draft {
	return Draft{Collective: house, Kind: tally.KindConsent, Title: title, Text: "We do it.", Review: w.at.Add(400 * day).Format(time.DateOnly)}
}

func (w *world) propose(n *node, d Draft) string {
	w.t.Helper()
	id, err := n.Propose(w.t.Context(), d)
	w.must(err)
	w.run()
	return id
}

func (w *world) vote(n *node, id string, c tally.Choice) {
	w.t.Helper()
	_, err := n.Vote(w.t.Context(), id, c, "")
	w.must(err)
}

func (w *world) view(n *node, id string) View {
	w.t.Helper()
	v, err := n.View(w.t.Context(), id)
	w.must(err)
	return v
}

// alike wants every node to count the same, and answers the view of the first.
func (w *world) alike(id string, result tally.Result) View {
	w.t.Helper()
	first := w.view(w.nodes[0], id)
	for _, n := range w.nodes {
		v := w.view(n, id)
		if v.Count == nil || v.Result != result || v.Tally != first.Tally || v.Differ != 0 || v.Alike != len(w.nodes) {
			w.t.Fatalf("%s counts %s %s, %d alike and %d not\n%+v\nthe first:\n%+v", n.id, v.Result, v.Tally, v.Alike, v.Differ, v.Count, first.Count)
		}
	}
	return first
}

// said counts the entries of a kind in a node's logbook.
func (n *node) said(typ string) (all int) {
	for _, e := range n.log {
		if e.Typ == typ {
			all++
		}
	}
	return all
}

func code(t testing.TB, err error, key string) {
	t.Helper()
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Key != "assembly."+key {
		t.Fatalf("%v, want %s", err, key)
	}
}
