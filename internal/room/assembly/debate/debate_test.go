package debate

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/debate/document"
	"entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/assembly/need"
)

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(Words, need.Words, words.Words, web.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// told1 is a postmortem that a watch was told.
type told1 struct {
	texts map[string]string
	lang  string
}

// node is one hoster: its debates, its logbook, and what its watch knows.
type node struct {
	*Service
	id      core.MemberID
	key     ed25519.PrivateKey
	entries []logbook.Entry
	outs    []outage
	stories map[string]told1
	needs   []string
	off     bool
	full    bool // its logbook takes nothing
	w       *world
}

// world is a few hosters that share a clock and read one another's logbooks.
type world struct {
	t     *testing.T
	at    time.Time
	nodes map[core.MemberID]*node
}

func newWorld(t *testing.T, d func(name string) *db.DB, names ...core.MemberID) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC), nodes: map[core.MemberID]*node{}}
	for _, id := range names {
		n := &node{id: id, key: keyOf(id), stories: map[string]told1{}, w: w}
		n.Service = New(Needs{
			DB: d(string(id)), Members: need.Members{Signer: seal.NewSigner(id, n.key), Calls: n, Keys: w.keys, Known: n.known}, Append: n.append,
			Incidents: func() (Incidents, bool) { return n, true }, URL: "https://" + string(id), Lang: "en", Words: catalogue(t),
			Tell: func(_ context.Context, _, goal string) error { n.needs = append(n.needs, goal); return nil },
			Now:  func() time.Time { return w.at }, Log: slog.New(slog.DiscardHandler),
		})
		w.nodes[id] = n
	}
	return w
}

func keyOf(id core.MemberID) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(id))
	return ed25519.NewKeyFromSeed(sum[:])
}

// public is a debate of a node, begun by hand, that another member read.
func (w *world) public(n *node, reader core.MemberID) Debate {
	w.t.Helper()
	c := w.t.Context()
	d, err := n.Open(c, Opening{Reason: document.Data, Title: "Two days of pads", Lang: "en"})
	w.ok(err)
	d.Story.What, d.Question = "The **backup** had stopped.", "How do you notice?"
	_, err = n.Write(c, d.ID, d.Texts)
	w.ok(err)
	_, err = n.Ask(c, d.ID, reader)
	w.ok(err)
	drafts, err := w.nodes[reader].Drafts(c)
	w.ok(err)
	w.ok(w.nodes[reader].SayRead(c, drafts[len(drafts)-1].ID, ""))
	w.exchange()
	d, err = n.Publish(c, d.ID)
	w.ok(err)
	w.exchange()
	return d
}

func sqlite(t *testing.T) func(string) *db.DB {
	t.Helper()
	return func(string) *db.DB { return dbtest.SQLite(t, "assembly", migrations.Files) }
}

func (w *world) keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	n, ok := w.nodes[id]
	if !ok {
		return nil, core.NotFound("x", errors.New("a stranger"))
	}
	return []ed25519.PublicKey{n.key.Public().(ed25519.PublicKey)}, nil //nolint:forcetypeassert // ed25519 promises it
}

func (n *node) known(context.Context) (all []core.MemberID, _ error) {
	for id := range n.w.nodes {
		if id != n.id {
			all = append(all, id)
		}
	}
	return all, nil
}

func (n *node) append(_ context.Context, typ string, _ []core.MemberID, body any) error {
	if n.full {
		return core.Full("x", errors.New("full"))
	}
	text, err := wire.Encode(body)
	n.entries = append(n.entries, logbook.Entry{Log: n.id, Index: int64(len(n.entries)), Typ: typ, Iat: core.At(n.w.at), Body: text})
	return err
}

// JSON calls another node's endpoints.
func (n *node) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	other := n.w.nodes[to]
	if other.off {
		return core.Unsure("x", errors.New("silent"))
	}
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, route := range other.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := route.Handle(w, r, n.id); err != nil {
				peer.WriteError(w, err)
			}
		})
	}
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(string(text))))
	if rec.Code != http.StatusOK {
		var said struct {
			Key string `json:"key"`
		}
		_ = json.Unmarshal(rec.Body.Bytes(), &said)
		return core.NotFound(said.Key, errors.New(rec.Body.String()))
	}
	return wire.Decode(rec.Body.Bytes(), out)
}

func (n *node) Outages(_ context.Context, _ core.Moment, take func(id string, services []string, from, until core.Moment, down time.Duration)) error {
	for _, o := range n.outs {
		take(o.id, o.services, o.from, o.until, o.down)
	}
	return nil
}

func (n *node) Postmortem(_ context.Context, id string) (map[string]string, string, error) {
	for _, other := range n.w.nodes {
		if s, ok := other.stories[id]; ok {
			return s.texts, s.lang, nil
		}
	}
	return nil, "", core.NotFound("x", errors.New("none"))
}

func (n *node) PublishPostmortem(_ context.Context, id, lang string, texts map[string]string) error {
	n.stories[id] = told1{texts, lang}
	return nil
}

func (n *node) EachPostmortem(_ context.Context, take func(core.MemberID, string, core.Moment, map[string]string)) error {
	for owner, other := range n.w.nodes {
		for id, s := range other.stories {
			take(owner, id, 0, s.texts)
		}
	}
	return nil
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// exchange lets every node read all logbooks, from their beginnings, and fetch what they name.
func (w *world) exchange() {
	w.t.Helper()
	for _, n := range w.nodes {
		for _, other := range w.nodes {
			for _, e := range other.entries {
				w.ok(n.hear(w.t.Context(), e))
			}
		}
	}
	for _, n := range w.nodes {
		w.ok(n.Fetch(w.t.Context()))
		w.ok(n.AskAgain(w.t.Context()))
	}
}

func incidentID(name string) string { return document.IDOf([]byte(name)) }

func (w *world) code(err error, want core.Code, key string) {
	w.t.Helper()
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Code != want || e.Key != key {
		w.t.Errorf("%v, want %s %s", err, want, key)
	}
}

// Scenario 17, from an outage of 61 minutes to the last action.
func TestFromAnOutageToItsLastAction(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, func(name string) *db.DB {
			if name == "chaton-a.test" {
				return d
			}
			return sqlite(t)(name)
		}, "chaton-a.test", "chaton-b.test")
		a, b, c := w.nodes["chaton-a.test"], w.nodes["chaton-b.test"], t.Context()
		from := core.At(w.at.Add(-2 * time.Hour))
		a.outs = []outage{
			{incidentID("long"), []string{"Pad"}, from, from.Add(61 * time.Minute), 61 * time.Minute},
			{incidentID("short"), []string{"Wiki"}, from, from.Add(time.Hour), time.Hour},
		}
		w.ok(a.Propose(c))
		w.ok(a.Propose(c))
		list, err := a.List(c, []State{Draft}, 10, 0)
		w.ok(err)
		if len(list) != 1 || list[0].From != from || list[0].Until != from.Add(61*time.Minute) || list[0].Down != 61*time.Minute || list[0].Title != "Outage: Pad" {
			t.Fatalf("%+v", list)
		}
		if want := "Measured: Pad, down from 2026-11-30 12:00 UTC to 2026-11-30 13:01 UTC, 61 min in all, apart from announced maintenance."; list[0].Story.What != want {
			t.Errorf("it says %q", list[0].Story.What)
		}
		id := list[0].ID
		_, err = a.Ask(c, id, "chaton-b.test")
		w.code(err, core.CodeInvalid, "assembly.debate.bad_empty")
		texts := list[0].Texts
		for text, key := range map[string]string{"Written by ana.planted@elsewhere.test": "wording.mail", "It was human error": "wording.blame"} {
			texts.Story.Change = text
			_, err = a.Write(c, id, texts)
			w.code(err, core.CodeInvalid, key)
		}
		texts.Story.Change, texts.Question = "An alert at 80 %", "How do you notice that a disk fills up?"
		_, err = a.Write(c, id, texts)
		w.ok(err)
		_, err = a.Publish(c, id)
		w.code(err, core.CodeConflict, "assembly.debate.not_read")
		_, err = a.Ask(c, id, "chaton-x.test")
		w.code(err, core.CodeNotFound, "assembly.debate.no_reader")
		b.off = true // it is asked again by itself
		_, err = a.Ask(c, id, "chaton-b.test")
		w.ok(err)
		b.off = false
		w.exchange()
		drafts, err := b.Drafts(c)
		w.ok(err)
		if len(drafts) != 1 || drafts[0].Question != texts.Question || drafts[0].Member != "chaton-a.test" {
			t.Fatalf("%+v", drafts)
		}
		_, err = a.Publish(c, id)
		w.code(err, core.CodeConflict, "assembly.debate.not_read")
		w.ok(b.SayRead(c, drafts[0].ID, "The times are clear."))
		w.code(b.SayRead(c, drafts[0].ID, ""), core.CodeConflict, "assembly.debate.read_already")
		w.exchange()
		d2, err := a.Get(c, id)
		w.ok(err)
		if d2.Read == 0 || d2.Note != "The times are clear." {
			t.Fatalf("%+v", d2)
		}
		// A text that was changed has to be read again.
		texts.Title = "The pad was down for an hour"
		_, err = a.Write(c, id, texts)
		w.ok(err)
		_, err = a.Publish(c, id)
		w.code(err, core.CodeConflict, "assembly.debate.not_read")
		_, err = a.Ask(c, id, "chaton-b.test")
		w.ok(err)
		drafts, err = b.Drafts(c)
		w.ok(err)
		w.ok(b.SayRead(c, drafts[0].ID, ""))
		w.exchange()
		_, err = a.AddAction(c, id, Action{What: "Alert at 80 %", Role: "on duty"})
		w.code(err, core.CodeInvalid, "assembly.debate.bad_action")
		_, err = a.AddAction(c, id, Action{What: "Alert at 80 %", Due: "2026-12-10"})
		w.code(err, core.CodeInvalid, "assembly.debate.bad_action")
		_, err = a.AddAction(c, id, Action{What: "Alert at 80 %", Role: "on duty", Due: "2026-12-10"})
		w.ok(err)
		pub, err := a.Publish(c, id)
		w.ok(err)
		if got := a.stories[incidentID("long")].texts; got["answer"] != "https://chaton-a.test/debates/"+id || got["change"] != "An alert at 80 %" || pub.Story.Change != "An alert at 80 %" {
			t.Errorf("the postmortem: %v; the page: %+v", got, pub.Story)
		}
		w.exchange()
		// b sees the question with its story, verified, and answers.
		theirs, err := b.Theirs(c, 10)
		w.ok(err)
		if len(theirs) != 1 || theirs[0].Reader != "chaton-b.test" || theirs[0].Question != texts.Question || theirs[0].Story.Change != "An alert at 80 %" {
			t.Fatalf("%+v", theirs)
		}
		_, err = b.Answer(c, theirs[0].ID, "en", "Ask ana.planted@elsewhere.test")
		w.code(err, core.CodeInvalid, "wording.mail")
		remark, err := b.Answer(c, short(theirs[0].ID), "en", "A job that writes the free space into a feed.")
		w.ok(err)
		w.exchange()
		d2, err = a.Get(c, id)
		w.ok(err)
		if len(d2.Remarks) != 1 || d2.Remarks[0].Standing != Waiting || d2.Remarks[0].Text != remark.Text || d2.Remarks[0].Member != "chaton-b.test" {
			t.Fatalf("%+v", d2.Remarks)
		}
		w.ok(a.Let(c, remark.ID, true))
		w.ok(a.MakeNeed(c, remark.ID))
		w.ok(a.MakeNeed(c, remark.ID))
		if len(a.needs) != 1 || a.needs[0] != remark.Text {
			t.Errorf("needs: %q", a.needs)
		}
		// The action gets late; the debate stays open until it is done.
		_, err = a.Close(c, id)
		w.code(err, core.CodeConflict, "assembly.debate.open_actions")
		w.at = time.Date(2026, 12, 10, 23, 0, 0, 0, time.UTC)
		if _, err = a.Check().Run(c); err != nil {
			t.Errorf("late on its day: %v", err)
		}
		w.at = w.at.Add(2 * time.Hour)
		_, err = a.Check().Run(c)
		w.code(err, core.CodeUnsure, "assembly.debate.late_actions")
		late, err := a.Late(c)
		w.ok(err)
		limits, err := a.Limits(c)
		w.ok(err)
		if len(late) != 1 || len(limits) != 1 {
			t.Errorf("%+v, %+v", late, limits)
		}
		w.ok(a.Say(c))
		w.ok(a.Say(c))
		if last := a.entries[len(a.entries)-1]; last.Typ != TypeCount || string(last.Body) != `{"opened":1,"closed":0,"actions":1,"done":0,"late":1}` {
			t.Errorf("said %s %s", last.Typ, last.Body)
		}
		_, err = a.Done(c, late[0].ID, "javascript:alert(1)")
		w.code(err, core.CodeInvalid, "assembly.debate.bad_link")
		_, err = a.Done(c, late[0].ID, "https://chaton-a.test/alert")
		w.ok(err)
		if d2, err = a.Close(c, id); err != nil || d2.State != Closed {
			t.Errorf("%+v, %v", d2, err)
		}
		// The remark is withdrawn: its text is gone everywhere, its id stays.
		w.ok(b.Withdraw(c, remark.ID))
		w.exchange()
		if d2, err = a.Get(c, id); err != nil || len(d2.Remarks) != 1 || d2.Remarks[0].Text != "" || !d2.Remarks[0].Gone || standingName(d2.Remarks[0]) != "gone" {
			t.Errorf("%+v, %v", d2.Remarks, err)
		}
		for _, n := range w.nodes {
			for _, e := range n.entries {
				for _, planted := range []string{"disk", "hour", "duty", "writes", "planted", "times are clear"} {
					if strings.Contains(string(e.Body), planted) {
						t.Errorf("a logbook says %s", e.Body)
					}
				}
			}
		}
	})
}

// What broke off in the middle goes on: one question, one postmortem, one entry.
func TestPublishingGoesOn(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test", "chaton-b.test")
	a, b, c := w.nodes["chaton-a.test"], w.nodes["chaton-b.test"], t.Context()
	from := core.At(w.at.Add(-2 * time.Hour))
	a.outs = []outage{{incidentID("long"), []string{"Pad"}, from, from.Add(2 * time.Hour), 2 * time.Hour}}
	d, err := a.Open(c, Opening{Reason: document.Downtime, Lang: "en", Incident: incidentID("long")[:8]})
	w.ok(err)
	d.Question = "How do you notice?"
	_, err = a.Write(c, d.ID, d.Texts)
	w.ok(err)
	_, err = a.Ask(c, d.ID, "chaton-b.test")
	w.ok(err)
	drafts, err := b.Drafts(c)
	w.ok(err)
	w.ok(b.SayRead(c, drafts[0].ID, ""))
	w.exchange()
	a.full = true
	_, err = a.Publish(c, d.ID)
	w.code(err, core.CodeFull, "x")
	half, err := a.Get(c, d.ID)
	w.ok(err)
	if half.State != Draft || half.Doc == "" || half.Story.What == "" {
		t.Errorf("half published: %+v", half)
	}
	a.full = false
	whole, err := a.Publish(c, d.ID)
	w.ok(err)
	if whole.Doc != half.Doc || len(a.entries) != 1 || len(a.stories) != 1 {
		t.Errorf("%+v, %d entries", whole, len(a.entries))
	}
	w.exchange()
	// A member sees it as a question, and what was told without one apart.
	a.stories[incidentID("other")] = told1{map[string]string{"what": "A disk.\nFull.", "answer": "https://forum.test/1"}, "en"}
	told, err := b.Told(c, 10)
	if err != nil || len(told) != 1 || told[0] != (Told{"chaton-a.test", 0, "A disk.", "https://forum.test/1"}) {
		t.Errorf("%+v, %v", told, err)
	}
	if own, err := a.Told(c, 10); err != nil || len(own) != 0 {
		t.Errorf("its own: %+v, %v", own, err)
	}
	// The text that broke off may be written anew, while our logbook does not name it.
	e, err := a.Open(c, Opening{Reason: document.Drill, Title: "The drill", Lang: "en"})
	w.ok(err)
	_, err = a.Open(c, Opening{Reason: document.Downtime, Lang: "en", Incident: incidentID("long")})
	w.code(err, core.CodeConflict, "assembly.debate.twice")
	_, err = a.Open(c, Opening{Reason: document.Downtime, Lang: "en", Incident: incidentID("none")})
	w.code(err, core.CodeNotFound, "assembly.debate.no_incident")
	e.Story.What, e.Question = "It was not found.", "Who finds it?"
	_, err = a.Write(c, e.ID, e.Texts)
	w.ok(err)
}

// A box that we opened calls for a debate, once; another member's does not, nor one of long ago.
func TestABoxWasOpened(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test")
	a, c := w.nodes["chaton-a.test"], t.Context()
	now := core.At(w.at)
	for i, e := range []logbook.Entry{
		{Log: "chaton-a.test", Typ: typeOpened, Iat: now, Hash: [32]byte{1}},
		{Log: "chaton-a.test", Typ: typeOpened, Iat: now, Hash: [32]byte{1}},
		{Log: "chaton-b.test", Typ: typeOpened, Iat: now, Hash: [32]byte{2}},
		{Log: "chaton-a.test", Typ: typeOpened, Iat: now.Add(-lookBack - time.Hour), Hash: [32]byte{3}},
	} {
		w.ok(a.hear(c, e))
		list, err := a.List(c, []State{Draft}, 10, 0)
		if err != nil || len(list) != 1 || list[0].Reason != document.Custody || list[0].From != now || list[0].Story.What == "" {
			t.Fatalf("after entry %d: %+v, %v", i, list, err)
		}
	}
}
