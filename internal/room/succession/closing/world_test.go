package closing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/wording"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/closing/wave"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/promise"
)

const a, b, c core.MemberID = "chaton-a.test", "chaton-b.test", "chaton-c.test"

const packID = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// world is three hosters: a names b and c for its mail. What one logs, all read at once.
type world struct {
	t     *testing.T
	now   time.Time
	nodes map[core.MemberID]*node
	next  map[core.MemberID]int64
	deaf  map[core.MemberID]bool // who cannot be reached
}

// node is one hoster. It answers what closings need of other rooms.
type node struct {
	*Service

	w        *world
	id       core.MemberID
	signer   seal.Signer
	promises *promise.Promises
	restored core.Moment // of a's mail; 0 = never
	people   [][5]string // id, handle, mail, lang, choice
	mails    []string    // "to: title"
	broken   error       // of the mail server
	onMail   func()
	killed   func(typ string) error // says whether the next append is where it dies
	free     int64
	size     int64
}

func newWorld(t *testing.T, d *db.DB) *world {
	w := &world{t: t, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), nodes: map[core.MemberID]*node{}, next: map[core.MemberID]int64{}, deaf: map[core.MemberID]bool{}}
	for _, id := range []core.MemberID{a, b, c} {
		store := d
		if id != a {
			store = dbtest.SQLite(t, "succession", migrations.Files)
		}
		w.nodes[id] = w.node(id, store)
	}
	if err := w.nodes[a].promises.Name(t.Context(), promise.Naming{Service: "mail", Backups: []string{"mail"}, Successors: []core.MemberID{b, c}}); err != nil {
		t.Fatal(err)
	}
	return w
}

func catalogue(t *testing.T) *words.Catalogue {
	t.Helper()
	cat, err := words.New(slices.Concat([]fs.FS{Words, paper.Words, choice.Words, wave.Words, promise.Words}, []fs.FS{words.Words, web.Words, console.Words, peer.Words, wording.Words})...)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func (w *world) node(id core.MemberID, d *db.DB) *node {
	seed := sha256.Sum256([]byte(id))
	n := &node{w: w, id: id, signer: seal.NewSigner(id, ed25519.NewKeyFromSeed(seed[:])), free: 1 << 40, size: 1 << 30}
	now := func() time.Time { return w.now }
	n.promises = promise.New(promise.Needs{DB: d, Self: id, Kind: "succeed", Book: n, Trust: n, Now: now})
	n.Service = New(Needs{
		DB: d, Signer: n.signer, Book: n, Calls: n, Promises: n.promises, Rules: stage.Usual(), Words: catalogue(w.t), URL: "https://" + string(id), Disk: n,
		Restores: func() (Restores, bool) { return n, true },
		Ask: Ask{
			Services: func() (Services, bool) { return n, true }, Backups: func() (Backups, bool) { return n, true },
			People: func() (choice.People, bool) { return n, true }, Mailer: func() (wave.Mailer, bool) { return n, true },
		},
		Now: now, Log: slog.New(slog.DiscardHandler),
	})
	return n
}

func (w *world) later(days int) { w.now = w.now.Add(time.Duration(days) * 24 * time.Hour) }

// Append writes into the node's logbook, and all nodes read it.
func (n *node) Append(ctx context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	if err == nil && n.killed != nil {
		err = n.killed(typ)
	}
	if err != nil {
		return logbook.Entry{}, err
	}
	return n.w.log(ctx, n.id, typ, text, core.At(n.w.now)), nil
}

func (w *world) log(ctx context.Context, by core.MemberID, typ string, text []byte, at core.Moment) logbook.Entry {
	e := logbook.Entry{Log: by, Index: w.next[by], Typ: typ, Iat: at, Body: text}
	w.next[by]++
	for _, n := range w.nodes {
		n.take(ctx, e)
	}
	return e
}

func (n *node) take(ctx context.Context, e logbook.Entry) {
	for _, r := range append(n.promises.Readers(), n.Readers()...) {
		if slices.Contains(r.Types, e.Typ) {
			if err := r.Read(ctx, e); err != nil {
				n.w.t.Error(err)
			}
		}
	}
}

// revoke takes a's entries back from an index on, at every node.
func (w *world) revoke(index int64) {
	for _, n := range w.nodes {
		for _, r := range append(n.promises.Readers(), n.Readers()...) {
			if err := r.Truncated(w.t.Context(), a, index); err != nil {
				w.t.Error(err)
			}
		}
	}
}

func (n *node) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	seed := sha256.Sum256([]byte(id))
	return []ed25519.PublicKey{ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)}, nil
}

// JSON calls another node's endpoint, as the real line does.
func (n *node) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	if n.w.deaf[to] || n.w.deaf[n.id] {
		return core.Unsure("peer.unreachable", errors.New("deaf"))
	}
	var body bytes.Buffer
	if in != nil {
		text, err := wire.Encode(in)
		if err != nil {
			return err
		}
		body.Write(text)
	}
	r := httptest.NewRequestWithContext(ctx, method, path, &body)
	for _, route := range n.w.nodes[to].Routes() {
		want, where, _ := strings.Cut(route.Pattern, " ")
		prefix, _, wild := strings.Cut(where, "{")
		if want != method || path != where && (!wild || !strings.HasPrefix(path, prefix)) {
			continue
		}
		r.SetPathValue("id", strings.TrimPrefix(path, prefix))
		answer := httptest.NewRecorder()
		if err := route.Handle(answer, r, n.id); err != nil {
			return err
		}
		return json.Unmarshal(answer.Body.Bytes(), out)
	}
	return core.NotFound("peer.no_route", errors.New(path))
}

func (n *node) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	return []core.Lender{{ID: a}, {ID: b}, {ID: c}}, nil
}

func (n *node) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{}, nil
}

func (n *node) ServiceNames(context.Context) ([]string, error) { return []string{"mail", "wiki"}, nil }

func (n *node) Saved(context.Context, string) (int64, core.Moment, error) { return n.size, 0, nil }

func (n *node) Room() (free, load int64, err error) { return n.free, 12, nil }

func (n *node) PackID(context.Context, core.MemberID, string) (string, error) { return packID, nil }

func (n *node) Restored(context.Context, core.MemberID, string) (string, core.Moment, error) {
	if n.restored == 0 {
		return "", 0, core.NotFound("succession.paper.unknown", errors.New("never"))
	}
	return packID, n.restored, nil
}

func (n *node) EachPerson(_ context.Context, fn func(id, handle, mail, lang, choice string) error) error {
	for _, p := range n.people {
		if err := fn(p[0], p[1], p[2], p[3], p[4]); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) CanMail() bool { return true }

func (n *node) Mail(_ context.Context, to, title, _ string) error {
	if n.broken != nil {
		return n.broken
	}
	n.mails = append(n.mails, to+": "+title)
	if n.onMail != nil {
		n.onMail()
	}
	return nil
}

// post calls an endpoint of a node as somebody.
func (w *world) post(from, to core.MemberID, path string, in any) error {
	return w.nodes[from].JSON(w.t.Context(), to, http.MethodPost, path, in, &struct{}{})
}

// stands is where a's mail stands, as a node sees it.
func (w *world) stands(at core.MemberID) stage.Standing {
	w.t.Helper()
	st, err := w.nodes[at].One(w.t.Context(), a, "mail")
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func (w *world) is(want stage.Stage) {
	w.t.Helper()
	for id := range w.nodes {
		if got := w.stands(id); got.Stage != want {
			w.t.Fatalf("%s sees %q, not %q", id, got.Stage, want)
		}
	}
}
