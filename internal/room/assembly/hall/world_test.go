package hall

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/need"
	"entrechat/internal/room/assembly/record"
	"entrechat/internal/room/assembly/tally"
)

const house = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" // the collective

// world is hosters of one collective on one clock, in one process, and a browser without scripts
// before the pages of the first of them.
type world struct {
	*testing.T
	at     time.Time
	nodes  []*node
	url    string
	client *http.Client
	admin  bool
	who    string // who is signed in by an account; empty = nobody
}

// node is one hoster: its decisions, and what fetches documents for them.
type node struct {
	*decision.Service
	w      *world
	id     core.MemberID
	db     *db.DB
	signer seal.Signer
	root   core.RootKey
	a      *archive.Archive
	log    []logbook.Entry
	read   map[core.MemberID]int
	heard  map[core.MemberID]core.Moment
}

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(words.Words, web.Words, Words, record.Words, decision.Words, motion.Words, elector.Words, need.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, count int, eyes bool) *world {
	t.Helper()
	w := &world{T: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)}
	for i := range count {
		n := &node{w: w, id: core.MemberID(fmt.Sprintf("chaton-%c.test", 'a'+i)), read: map[core.MemberID]int{}, heard: map[core.MemberID]core.Moment{}, db: dbtest.SQLite(t, "assembly", migrations.Files)}
		_, key, err := ed25519.GenerateKey(nil)
		w.must(err)
		copy(n.root[:], key.Public().(ed25519.PublicKey))
		n.signer = seal.NewSigner(n.id, key)
		lock := filepath.Join(t.TempDir(), "lock")
		n.Service = decision.New(decision.Needs{
			DB: n.db, Signer: n.signer, Book: n, Peer: n, Electors: n, Box: seal.NewBox([32]byte{1}), Lock: lock, FourEyes: eyes,
			Recovery: func() (*age.X25519Recipient, error) { return nil, core.NotFound("test", errors.New("no words")) },
			URL:      "https://" + string(n.id), Lang: "fr", Mailer: func() (decision.Mailer, bool) { return nil, false },
			Mails: func(context.Context) ([]string, error) { return nil, nil },
			Say:   catalogue(t).Printer("fr"), Now: w.now, Log: slog.New(slog.DiscardHandler),
		})
		n.a = archive.New(archive.Needs{DB: n.db, Self: n.id, Book: n, Peer: n, Electors: n, Lock: lock, Now: w.now, Log: slog.New(slog.DiscardHandler)})
		w.nodes = append(w.nodes, n)
	}
	w.serve()
	return w
}

func (w *world) now() time.Time { return w.at }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	e := logbook.Entry{Log: n.id, Index: int64(len(n.log)), Typ: typ, Iat: core.At(n.w.at), Body: text}
	n.log = append(n.log, e)
	return e, err
}

func (n *node) Resign(context.Context) error { return nil }

func (n *node) Entries(_ context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
	log := n.w.node(id).log
	return log[min(int(from), len(log)):min(int(from)+limit, len(log))], nil
}

func (n *node) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{n.w.node(id).signer.Public()}, nil
}

func (n *node) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	return logbook.Member{ID: id, Root: n.w.node(id).root, Size: int64(len(n.w.node(id).log)), Heard: n.heard[id]}, nil
}

// Draw has everybody in the electorate but one that is too young.
func (n *node) Draw(_ context.Context, _ string, at core.Moment) (elector.Drawn, error) {
	d := elector.Drawn{Charter: elector.Charter{ID: house, Name: "Maison", Admit: 2}, At: at}
	for i, o := range n.w.nodes {
		d.Candidates = append(d.Candidates, elector.Candidate{Member: o.id, Root: o.root, Admitted: true, Founder: i != 1, Warned: i == 1})
		d.Heads = append(d.Heads, elector.Head{Member: o.id, Size: int64(len(o.log))})
	}
	d.Candidates = append(d.Candidates, elector.Candidate{Member: "jeune.test", Admitted: true, Why: elector.TooYoung, From: at.Add(30 * oneDay)})
	return d, nil
}

func (n *node) Recheck(context.Context, elector.Named) (elector.Check, error) {
	return elector.Check{}, nil
}

func (n *node) Followed(context.Context) ([]elector.Charter, error) {
	return []elector.Charter{{ID: house, Name: "Maison"}}, nil
}

func (n *node) JSON(ctx context.Context, to core.MemberID, _, path string, _, out any) error {
	env, gone, err := n.w.node(to).a.Document(ctx, strings.TrimPrefix(path, archive.PathDocuments))
	if err != nil || gone {
		return core.NotFound("test", errors.Join(err, fs.ErrNotExist))
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
	w.Fatalf("nobody is %s", id)
	return nil
}

// run lets everybody hear, fetch and do what is due, until nobody has anything to do.
func (w *world) run() {
	w.Helper()
	for range 5 {
		before := w.written()
		for _, n := range w.nodes {
			reader := n.Readers()[0]
			for _, o := range w.nodes {
				n.heard[o.id] = core.At(w.at)
				for ; n.read[o.id] < len(o.log); n.read[o.id]++ {
					if e := o.log[n.read[o.id]]; slices.Contains(reader.Types, e.Typ) {
						w.must(reader.Read(w.Context(), e))
					}
				}
			}
			_, err := n.a.Fetch(w.Context())
			w.must(err)
			if _, err := n.Turn(w.Context()); err != nil && core.CodeOf(err) != core.CodeUnsure {
				w.Fatal(n.id, err)
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
	w.Helper()
	for end := w.at.Add(d); w.at.Before(end); {
		w.at = w.at.Add(min(step, end.Sub(w.at)))
		w.run()
	}
}

// propose has a node propose, and everybody hear it.
func (w *world) propose(n *node, d decision.Draft) string {
	w.Helper()
	d.Collective = house
	if d.Review == "" && d.Kind != tally.KindPoll {
		d.Review = w.at.Add(400 * oneDay).Format(time.DateOnly)
	}
	if d.Text == "" {
		d.Text = "Nous le **faisons**."
	}
	id, err := n.Propose(w.Context(), d)
	w.must(err)
	w.run()
	return id
}

// serve puts the pages of the first node before a browser.
func (w *world) serve() {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	w.Cleanup(server.Close)
	w.url = server.URL
	n := w.nodes[0]
	w.must(db.Migrate(w.Context(), n.db, "web", web.Migrations()))
	site := web.New(web.Needs{
		DB: n.db, Words: catalogue(w.T), Lang: "en", URL: server.URL, Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A"} },
		Entrance: &web.Entrance{
			SignIn: "/sign-in", Admin: func(*http.Request) (bool, error) { return w.admin, nil }, Leave: func(http.ResponseWriter, *http.Request) error { return nil },
		},
		Now: w.now, Log: slog.New(slog.DiscardHandler),
	})
	handler = site.Handler([]web.Pages{Pages(site, Needs{
		Decisions: n.Service, Followed: n.Followed, Words: catalogue(w.T), Self: n.id, URL: server.URL, Now: w.now,
		Account: func(*http.Request) (string, bool, error) { return w.who, w.who != "", nil },
		Need: func(_ context.Context, id string) (Origin, error) {
			if id != "NEED" {
				return Origin{}, core.NotFound("web.no_page", errors.New(id))
			}
			return Origin{Title: "A calendar", Text: "Share a calendar\n\nNo form", Page: "/needs#need-NEED"}, nil
		},
	})})
	w.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// do sends a request in a language and answers the page, or where it leads.
func (w *world) do(method, path string, status int, form url.Values) (text, next string, head http.Header) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(form.Encode()))
	w.must(err)
	req.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.client.Do(req)
	w.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	w.must(err)
	if res.StatusCode != status || strings.Contains(string(body), "⟦") {
		w.Fatalf("%s %s: %d, want %d\n%s", method, path, res.StatusCode, status, body)
	}
	return string(body), res.Header.Get("Location"), res.Header
}

func (w *world) get(path string) string {
	w.Helper()
	text, _, _ := w.do(http.MethodGet, path, http.StatusOK, nil)
	return text
}

func (w *world) post(path string, form url.Values) (next string) {
	w.Helper()
	_, next, _ = w.do(http.MethodPost, path, http.StatusSeeOther, form)
	return next
}
