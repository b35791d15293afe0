package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	custodytables "entrechat/internal/room/custody/migrations"
	succtables "entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/silence"
)

const (
	gone core.MemberID = "chaton-a.test" // the owner
	next core.MemberID = "chaton-b.test" // its successor, which holds nothing
	aDay               = 24 * time.Hour
)

// bereft are seven members on one clock, with the real rooms custody, promises and silence. Their
// logbooks, and what watch sees, are made up.
type bereft struct {
	t        *testing.T
	now      time.Time
	nodes    []*keeper
	died     core.Moment // of the owner; 0 = it lives
	watchers int
	networks int
	logged   *bytes.Buffer
	pointer  string
}

// keeper is one member.
type keeper struct {
	*custody.Room
	w        *bereft
	id       core.MemberID
	db       *db.DB
	signer   seal.Signer
	promises *promise.Promises
	silence  *silence.Service
	fit      fit.Fittings
	log      []logbook.Entry
	cursor   map[core.MemberID]int
	off      time.Duration // of its clock
	cut      core.Moment   // since when its line is cut; 0 = it is not
	mails    []string
}

func newBereft(t *testing.T) *bereft {
	t.Helper()
	w := &bereft{t: t, now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC), watchers: 4, networks: 3, logged: &bytes.Buffer{}, pointer: `{"v":1,"backup":"mail"}`}
	for _, c := range "abcdefg" {
		w.add(core.MemberID("chaton-" + string(c) + ".test"))
	}
	for _, n := range w.nodes {
		w.must(n.Recipients.Say(t.Context(), func(ctx context.Context, typ string, body any) error {
			_, err := n.Append(ctx, typ, nil, 0, body)
			return err
		}))
	}
	w.passes(time.Hour)
	k := deal.Wish{Scope: "data:mail", K: 3, To: []string{"chaton-c.test", "chaton-d.test", "chaton-e.test", "chaton-f.test"}, Content: []byte(w.pointer)}
	_, err := w.node(gone).Deals.Make(t.Context(), k)
	w.must(err)
	w.must(w.node(gone).promises.Name(t.Context(), promise.Naming{Service: "mail", Backups: []string{"mail"}, Successors: []core.MemberID{next}}))
	w.passes(40 * aDay)
	return w
}

func (w *bereft) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *bereft) node(id core.MemberID) *keeper {
	return w.nodes[slices.IndexFunc(w.nodes, func(n *keeper) bool { return n.id == id })]
}

func (w *bereft) add(id core.MemberID) {
	t := w.t
	t.Helper()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "n.db"))
	w.must(err)
	t.Cleanup(func() { _ = d.Close() })
	w.must(errors.Join(db.Migrate(t.Context(), d, "custody", custodytables.Files), db.Migrate(t.Context(), d, "succession", succtables.Files)))
	_, key, err := ed25519.GenerateKey(nil)
	w.must(err)
	n := &keeper{w: w, id: id, db: d, signer: seal.NewSigner(id, key), cursor: map[core.MemberID]int{}}
	cat, err := words.New(append(custody.AllWords(), silence.Words, promise.Words)...)
	w.must(err)
	log := slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	clock := func() time.Time { return w.now.Add(n.off) }
	n.Room, err = custody.New(custody.Needs{
		DB: d, Words: cat, Signer: n.signer, Dir: dir, Book: n, Trust: n, Peer: n, URL: "https://" + string(id), Lang: "en", Now: clock, Log: log,
		Recovery: func() (*age.X25519Recipient, error) { return nil, core.NotFound("test", errors.New("none")) },
		Mailer:   func() (breakglass.Mailer, bool) { return n, true }, Decisions: func() (mandate.Decisions, bool) { return nil, false },
		Pointers:   func() (deal.Pointers, bool) { return nil, false },
		Successors: func() (heir.Successors, bool) { return n.silence, true },
	})
	w.must(err)
	n.promises = promise.New(promise.Needs{DB: d, Self: id, Kind: "succeed", Book: n, Trust: n, Now: clock})
	n.silence = silence.New(silence.Needs{
		DB: d, Self: id, URL: "https://" + string(id), Book: n, Named: n.promises, Watch: func() (silence.Watch, bool) { return n, true },
		Custody: func() (silence.Custody, bool) { return mailing{n.Room, string(id)}, true }, Pacts: func() (silence.Pacts, bool) { return n, true },
		Mailer: func() (silence.Mailer, bool) { return n, true }, Say: cat.Printer("en"), Now: clock, Log: log,
	})
	n.fit = n.Fittings()
	n.fit.Readers = append(n.fit.Readers, n.promises.Readers()...)
	w.nodes = append(w.nodes, n)
}

// mailing is the room with one address of its people.
type mailing struct {
	*custody.Room
	at string
}

func (m mailing) AdminMails(context.Context) ([]string, error) {
	return []string{"zoe-planted@" + m.at}, nil
}

func (n *keeper) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	e := logbook.Entry{Log: n.id, Index: int64(len(n.log)), Typ: typ, Iat: core.At(n.w.now.Add(n.off)), Body: text}
	e.Hash[0], e.Hash[1] = byte(len(n.log)), n.id[7]
	n.log = append(n.log, e)
	return e, err
}

func (n *keeper) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{n.w.node(id).signer.Public()}, nil
}

func (n *keeper) Member(ctx context.Context, id core.MemberID) (logbook.Member, error) {
	all, err := n.Known(ctx)
	return all[slices.IndexFunc(all, func(m logbook.Member) bool { return m.ID == id })], err
}

func (n *keeper) Known(context.Context) (out []logbook.Member, _ error) {
	for _, o := range n.w.nodes {
		heard := core.At(n.w.now)
		if o.id == gone && n.w.died != 0 && n.id != gone {
			heard = n.w.died
		}
		if n.cut != 0 && o != n {
			heard = min(heard, n.cut)
		}
		out = append(out, logbook.Member{ID: o.id, Size: int64(len(o.log)), Heard: heard})
	}
	return out, nil
}

func (n *keeper) Entries(_ context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
	log := n.w.node(id).log
	from = min(from, int64(len(log)))
	return log[from:min(len(log), int(from)+limit)], nil
}

func (n *keeper) URL(_ context.Context, id core.MemberID) (string, error) {
	return "https://" + string(id), nil
}

func (n *keeper) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{}, nil
}

func (n *keeper) Lenders(context.Context, core.GrantKind) (out []core.Lender, _ error) {
	for _, o := range n.w.nodes {
		if o != n {
			out = append(out, core.Lender{ID: o.id, Site: string(o.id)})
		}
	}
	return out, nil
}

func (n *keeper) Down(_ context.Context, owner core.MemberID) (core.Moment, int, int, error) {
	if owner != gone || n.w.died == 0 || n.cut != 0 {
		return 0, 0, 0, nil
	}
	return n.w.died, n.w.watchers, n.w.networks, nil
}
func (n *keeper) CutOff(context.Context) (core.Moment, error) { return 0, nil }
func (n *keeper) Contact(context.Context, core.MemberID) (string, error) {
	return "contact@role.test", nil
}
func (n *keeper) CanMail() bool { return true }
func (n *keeper) Mail(_ context.Context, to, title, _ string) error {
	n.mails = append(n.mails, to+": "+title)
	return nil
}

// JSON calls another member's handler.
func (n *keeper) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	o := n.w.node(to)
	if to == gone && n.w.died != 0 || n.cut != 0 || o.cut != 0 {
		return core.Unsure("peer.unreachable", errors.New("down"))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for _, r := range o.fit.Peer {
		if r.Pattern != method+" "+path {
			continue
		}
		rec := httptest.NewRecorder()
		if err := r.Handle(rec, httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body)), n.id); err != nil || out == nil {
			return err
		}
		return json.Unmarshal(rec.Body.Bytes(), out)
	}
	return errors.New("no route " + path)
}

// passes lets time pass, half a day at a time; who lives works and reads what the others say.
func (w *bereft) passes(d time.Duration) {
	w.t.Helper()
	ctx := w.t.Context()
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(min(12*time.Hour, end.Sub(w.now)))
		for _, n := range w.nodes {
			if n.id == gone && w.died != 0 {
				continue
			}
			for _, o := range w.nodes {
				if n.cut != 0 && o != n {
					continue
				}
				for _, e := range o.log[n.cursor[o.id]:] {
					for _, r := range n.fit.Readers {
						if slices.Contains(r.Types, e.Typ) {
							w.must(r.Read(ctx, e))
						}
					}
				}
				n.cursor[o.id] = len(o.log)
			}
			w.must(errors.Join(n.Asks.Tick(ctx), n.Deals.Run(ctx), n.Asks.Run(ctx), n.silence.Run(ctx)))
		}
	}
}

func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

func (w *bereft) finds(id core.MemberID) silence.Finding {
	w.t.Helper()
	f, err := w.node(id).silence.Of(w.t.Context(), gone)
	w.must(err)
	return f
}

func (w *bereft) ask(want string) (id string) {
	w.t.Helper()
	made, err := w.node(next).silence.Ask(w.t.Context(), gone, "mail")
	if keyOf(err) != want || want == "" && (err != nil || len(made) != 1 || made[0].Scope != "data:mail") {
		w.t.Fatalf("%+v, %v, want %q", made, err, want)
	}
	if want != "" {
		return ""
	}
	return made[0].Ask
}

func (w *bereft) state(holder core.MemberID, id string) ask.State {
	w.t.Helper()
	v, err := w.node(holder).Asks.View(w.t.Context(), id)
	w.must(err)
	return v.State
}

// TestOwnerFallsSilent: scenario 10. An owner is killed; on day 7, 14 and 21 people are mailed and
// call; its successor asks; the owner objects, which ends it and has the days begin anew; three weeks
// later the successor asks again, holders let go, and the pointer is fetched. Then the owner is back,
// and what was asked is over. Nothing of a person stands in a logbook or a log line.
func TestOwnerFallsSilent(t *testing.T) {
	w := newBereft(t)
	ctx, b := t.Context(), w.node(next)
	b.mails = nil
	w.died = core.At(w.now)
	w.passes(6 * aDay)
	w.ask("succession.silence.well")
	w.passes(16*aDay - 12*time.Hour)
	if got := strings.Join(b.mails, "\n"); strings.Count(got, "zoe-planted@chaton-b.test: chaton-a.test has been silent for") != 3 {
		t.Errorf("mails of the call tree:\n%s", got)
	}
	w.ask("succession.silence.nobody_called")
	w.must(b.silence.Called(ctx, silence.Call{Member: gone, By: "Zoe Planted", Note: "rang 0102030405"}))
	first := w.ask("")
	w.passes(aDay)
	if got := w.state("chaton-c.test", first); got != ask.Waiting {
		t.Fatalf("at a holder: %s", got)
	}
	// The owner's node comes up for an hour: its head and its objection end the ask.
	w.died = 0
	w.passes(time.Hour)
	w.must(w.node(gone).Asks.Object(ctx, first, nil))
	w.passes(time.Hour)
	w.died = core.At(w.now)
	for _, holder := range []core.MemberID{"chaton-c.test", "chaton-d.test", "chaton-e.test", "chaton-f.test"} {
		if got := w.state(holder, first); got != ask.Refused {
			t.Errorf("%s after the owner's word: %s", holder, got)
		}
	}
	w.passes(20 * aDay)
	w.ask("succession.silence.early")
	w.passes(aDay + 12*time.Hour)
	w.ask("succession.silence.nobody_called") // the calls of before do not count
	w.must(b.silence.Called(ctx, silence.Call{Member: gone, By: "Zoe Planted"}))
	second := w.ask("")
	if second == first {
		t.Fatal("the old ask again")
	}
	w.passes(15 * aDay)
	for _, holder := range []core.MemberID{"chaton-c.test", "chaton-d.test", "chaton-e.test"} {
		w.must(w.node(holder).Asks.Release(ctx, second, false))
	}
	var pointer string
	got, err := b.Asks.Collect(ctx, second, nil, func(content []byte) error { pointer = string(content); return nil })
	if err != nil || !got.Opened || pointer != w.pointer {
		t.Fatalf("%+v, %q, %v", got, pointer, err)
	}
	w.died = 0
	w.passes(aDay)
	v, err := b.silence.View(ctx, gone)
	if err != nil || v.State != silence.Well || v.Next != "back" || len(v.Over) != 2 || len(v.Asks) != 0 {
		t.Errorf("the owner is back: %+v, %v", v, err)
	}
	w.ask("succession.silence.well")
	w.scan()
}

// scan looks for what was planted in logbooks and log lines.
func (w *bereft) scan() {
	w.t.Helper()
	text := w.logged.String()
	for _, n := range w.nodes {
		for _, e := range n.log {
			text += e.Typ + string(e.Body)
		}
	}
	for _, planted := range []string{"Planted", "zoe-planted", "0102030405", "silent"} {
		if i := strings.Index(text, planted); i >= 0 {
			w.t.Errorf("%q stands in a logbook or a log line: %.200s", planted, text[max(0, i-100):])
		}
	}
}

// TestNobodyIsDeclaredDeadEarly: who lies, is cut off, or has a wrong clock moves nothing.
func TestNobodyIsDeclaredDeadEarly(t *testing.T) {
	w := newBereft(t)
	w.died = core.At(w.now)
	line := w.node("chaton-f.test")
	line.cut = core.At(w.now)
	w.passes(25 * aDay)
	if f := w.finds("chaton-f.test"); f.State != silence.OwnLine {
		t.Errorf("scenario 11, a node whose line is cut: %+v", f)
	}
	all, err := line.silence.Find(t.Context())
	w.must(err)
	for _, f := range all {
		if f.State == silence.Silent {
			t.Errorf("it counts %s silent", f.Member)
		}
	}
	if f := w.finds("chaton-c.test"); f.State != silence.Silent || f.Days != 25 {
		t.Errorf("another node: %+v", f)
	}
	w.must(w.node(next).silence.Called(t.Context(), silence.Call{Member: gone, By: "Ana"}))
	w.watchers, w.networks = 2, 2 // two that lie
	w.ask("succession.silence.quiet")
	w.watchers, w.networks = 3, 1
	w.ask("succession.silence.quiet")
	// The owner lives again, and the successor's clock is set forward by a month.
	w.died, w.watchers, w.networks = 0, 4, 3
	w.passes(aDay)
	w.node(next).off = 30 * aDay
	if f := w.finds(next); f.State != silence.OwnLine && f.State != silence.Well {
		t.Errorf("a clock that was set forward: %+v", f)
	}
	if _, err := w.node(next).silence.Ask(t.Context(), gone, "mail"); err == nil {
		t.Error("it asks")
	}
}

// TestThiefNamesItself: who took the owner's key names itself a successor. The people of the old
// successor hear of it within a day; it counts 30 days later at the earliest, and not at all once the
// owner's logbook gave the key up.
func TestThiefNamesItself(t *testing.T) {
	const thief core.MemberID = "chaton-g.test"
	w := newBereft(t)
	ctx, b, c := t.Context(), w.node(next), w.node("chaton-c.test")
	b.mails = nil
	w.must(w.node(gone).promises.Name(ctx, promise.Naming{Service: "mail", Backups: []string{"mail"}, Successors: []core.MemberID{thief}}))
	stolen := int64(len(w.node(gone).log) - 1)
	w.passes(aDay)
	if got := strings.Join(b.mails, "\n"); !strings.Contains(got, "chaton-a.test named chaton-g.test to take mail over") {
		t.Errorf("the old successor's people: %q", got)
	}
	w.died = core.At(w.now)
	w.passes(22 * aDay)
	if _, err := c.silence.MayAsk(ctx, gone, thief, "data:mail"); keyOf(err) != "succession.silence.not_named" {
		t.Errorf("23 days after: %v", err)
	}
	w.passes(8 * aDay)
	if known, err := c.silence.MayAsk(ctx, gone, thief, "data:mail"); err != nil || !known {
		t.Errorf("31 days after, and nobody objected: %v, %v", known, err)
	}
	for _, r := range c.promises.Readers() {
		w.must(r.Truncated(ctx, gone, stolen)) // the key was given up
	}
	if _, err := c.silence.MayAsk(ctx, gone, thief, "data:mail"); keyOf(err) != "succession.silence.not_named" {
		t.Errorf("by a key that was given up: %v", err)
	}
	if known, err := c.silence.MayAsk(ctx, gone, next, "data:mail"); err != nil || !known {
		t.Errorf("the one named before counts again: %v, %v", known, err)
	}
}
