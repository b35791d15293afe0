package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/verdict"
)

var ok = incidenttest.OK

// node is one hoster's reporter over real logbooks.
type node struct {
	*Reporter
	*incidenttest.Node
	texts *note.Texts
	told  []Event
	deaf  bool // Tell fails
}

func (n *node) tellMe(_ context.Context, e Event) error {
	if n.deaf {
		return errors.New("nobody takes it")
	}
	n.told = append(n.told, e)
	return nil
}

func (n *node) kinds() (out []string) {
	for _, e := range n.told {
		out = append(out, string(e.Kind)+" "+strings.Join(e.Incident.Services, "+"))
	}
	return out
}

func serviceOf(_ context.Context, _ core.MemberID, target string) (string, error) {
	name, _ := strings.CutPrefix(target, "t-")
	return name, nil
}

func world(t *testing.T, names ...core.MemberID) (*incidenttest.World, map[core.MemberID]*node) {
	t.Helper()
	w := incidenttest.New(t, dbtest.SQLite, names...)
	out := map[core.MemberID]*node{}
	for _, n := range w.Nodes {
		out[n.ID] = open(w, n)
	}
	return w, out
}

// open starts a reporter over a node's database, as a new process would.
func open(w *incidenttest.World, n *incidenttest.Node) *node {
	one := &node{Node: n}
	quiet := slog.New(slog.DiscardHandler)
	others := func(context.Context, core.MemberID) (all []core.MemberID, err error) {
		for id := range w.Nodes {
			if id != n.ID {
				all = append(all, id)
			}
		}
		return all, nil
	}
	one.texts = note.New(note.Needs{DB: n.DB, Self: n.ID, Calls: n.Client, Sources: others, Now: w.Clock, Log: quiet})
	one.Reporter = New(Needs{DB: n.DB, Book: n.Book, Self: n.ID, Texts: one.texts, ServiceOf: serviceOf, Tell: one.tellMe, Now: w.Clock, Log: quiet})
	n.Readers = one.Reporter.Readers()
	n.Serve(one.texts.Routes())
	return one
}

// Change is a change of a verdict whose certificate has the name of its step.
type Change struct{ After verdict.Verdict }

func change(owner core.MemberID, service string, state verdict.State, at core.Moment) Change {
	v := verdict.Verdict{Owner: owner, Target: "t-" + service, State: state, Since: at, Failing: 5, Voters: 7}
	v.Case = fmt.Sprintf("%s %d", state, at)
	v.Certificate = keyOf(v)
	return Change{After: v}
}

func TestAnIncidentFromItsCertificateToItsPostmortem(t *testing.T) {
	w, nodes := world(t, "chaton-a.test", "chaton-b.test")
	a, b := nodes["chaton-a.test"], nodes["chaton-b.test"]
	ctx := t.Context()
	start := core.At(w.Clock())
	down := change(a.ID, "pad", verdict.Down, start)
	for _, n := range nodes {
		for range 2 { // at least once
			ok(t, n.Changed(ctx, verdict.Verdict{}, down.After))
		}
	}
	id := down.After.Certificate
	if diff := cmp.Diff([]string{"opened pad"}, a.kinds()); diff != "" {
		t.Error(diff)
	}
	if _, err := a.Say(ctx, id, KindClose, note.Document{Text: "fini"}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("closed while it is down: %v", err)
	}
	if _, err := b.Say(ctx, id, KindUpdate, note.Document{Text: "n'importe quoi"}); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("another hoster writes: %v", err)
	}
	evil := `<script>alert(1)</script>` + "\n" + `Subject: x`
	_, err := a.Say(ctx, id[:8], KindUpdate, note.Document{Text: evil})
	ok(t, err)
	w.Wait(time.Minute)
	ok(t, b.texts.Fetch(ctx))
	story, err := b.Incident(ctx, id)
	ok(t, err)
	if len(story.Lines) != 2 || story.Lines[1].Text.Text != evil || story.Lines[1].Kind != LineUpdate {
		t.Errorf("%+v", story.Lines)
	}
	up := change(a.ID, "pad", verdict.Up, core.At(w.Clock()))
	for _, n := range nodes {
		ok(t, n.Changed(ctx, verdict.Verdict{}, up.After))
	}
	p := note.Postmortem{What: "Le disque était plein.", Depends: note.Depends{Power: "EDF"}, Answer: "mailto:nous@chaton-a.test"}
	blames := note.Postmortem{What: p.What, Change: "Une erreur humaine.", Answer: p.Answer}
	if _, err = a.Say(ctx, id, KindPostmortem, note.Document{Lang: "fr", Postmortem: &blames}); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("somebody is blamed: %v", err)
	}
	_, err = a.Say(ctx, id, KindPostmortem, note.Document{Lang: "fr", Postmortem: &p})
	ok(t, err)
	w.Wait(time.Minute)
	ok(t, b.texts.Fetch(ctx))
	learned, err := b.Learned(ctx, "", 10)
	ok(t, err)
	if len(learned) != 1 || *learned[0].Postmortem != p || learned[0].Answer != p.Answer || learned[0].Closed != up.After.Since {
		t.Fatalf("%+v", learned)
	}
	if diff := cmp.Diff([]string{"opened pad", "noted pad", "closed pad", "noted pad"}, b.kinds()); diff != "" {
		t.Error(diff)
	}
	// Taken down, the text is gone everywhere; the lines stay.
	ok(t, a.Withdraw(ctx, story.Lines[1].Name))
	w.Wait(time.Minute)
	for _, n := range nodes {
		ok(t, n.texts.Fetch(ctx))
		story, err := n.Incident(ctx, id)
		ok(t, err)
		if len(story.Lines) != 4 || story.Lines[1].Text.State != note.Withdrawn || story.Lines[1].Text.Text != "" {
			t.Errorf("%s: %+v", n.ID, story.Lines[1])
		}
	}
}

func TestATextComesFromWhoeverHasIt(t *testing.T) {
	w, nodes := world(t, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	a, b, c := nodes["chaton-a.test"], nodes["chaton-b.test"], nodes["chaton-c.test"]
	i, err := a.Open(t.Context(), []string{"pad"}, note.Document{Text: "On cherche."})
	ok(t, err)
	w.Wait(time.Minute)
	ok(t, b.texts.Fetch(t.Context()))
	a.Offline.Store(true)
	ok(t, c.texts.Fetch(t.Context()))
	story, err := c.Incident(t.Context(), i.ID)
	ok(t, err)
	if story.Scope != Manual || len(story.Lines) != 1 || story.Lines[0].Text.Text != "On cherche." {
		t.Errorf("%+v", story)
	}
	// What this node takes down by itself does not come back, whoever names it.
	ok(t, c.Withdraw(t.Context(), story.Lines[0].Name))
	ok(t, c.texts.Want(t.Context(), c.DB, b.ID, story.Lines[0].Name))
	w.Wait(48 * time.Hour)
	ok(t, c.texts.Fetch(t.Context()))
	if story, err = c.Incident(t.Context(), i.ID); err != nil || story.Lines[0].Text.State != note.Withdrawn {
		t.Errorf("%+v, %v", story.Lines, err)
	}
	_, err = a.Say(t.Context(), i.ID, KindClose, note.Document{Text: "C'est réparé."})
	ok(t, err)
	_, err = a.Say(t.Context(), i.ID, KindCorrection, note.Document{Text: "C'était le câble."})
	ok(t, err)
	if _, err = a.Say(t.Context(), i.ID, KindClose, note.Document{Text: "Encore."}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("closed twice: %v", err)
	}
}

// A node that reads the certificates in another order, some of them twice, and is killed in
// between, tells the same incidents; and what it could not tell is told later.
func TestEveryOrderTellsTheSame(t *testing.T) {
	var changes []Change
	for n, s := range []step{
		at(0, "pad", verdict.Down), at(3, "wiki", verdict.Down), at(6, "cloud", verdict.Down), at(30, "pad", verdict.Up), at(31, "wiki", verdict.Up),
		at(32, "cloud", verdict.Partial), at(33, "cloud", verdict.Up), at(300, "pad", verdict.Down), at(305, "pad", verdict.Up), at(320, "pad", verdict.Down),
		at(325, "pad", verdict.Up), at(400, "forge", verdict.Down), at(500, "forge", verdict.Unknown), at(700, "wiki", verdict.Down),
	} {
		changes = append(changes, Change{After: verdict.Verdict{
			Owner: "chaton-a.test", Target: s.Target, State: s.State, Since: s.At, Case: fmt.Sprintf("%032x", n*7+3),
		}})
	}
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		var want []Incident
		for round := range uint64(6) {
			for _, table := range []string{"watch_incident", "watch_incident_step", "watch_incident_event"} {
				if _, err := db.Exec(t.Context(), d, "DELETE FROM "+table); err != nil {
					t.Fatal(err)
				}
			}
			told := map[string]bool{}
			deaf := false
			reporter := func() *Reporter {
				return New(Needs{
					DB: d, Self: "chaton-b.test", ServiceOf: serviceOf, Now: func() time.Time { return noon.Add(12 * time.Hour).Time() }, Log: slog.New(slog.DiscardHandler),
					Tell: func(_ context.Context, e Event) error {
						if deaf {
							return errors.New("killed")
						}
						told[string(e.Kind)+e.Incident.ID] = true
						if e.Kind == Renamed && told["opened"+e.Incident.ID] {
							told["opened"+e.Into] = true
						}
						return nil
					},
				})
			}
			r := reporter()
			mixed := slices.Concat(changes, changes[:5])
			if round > 0 {
				shuffle := rand.New(rand.NewPCG(round, 1))
				shuffle.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			}
			for n, c := range mixed {
				deaf = n%3 == 0
				ok(t, r.Changed(t.Context(), verdict.Verdict{}, c.After))
				if n%4 == 0 {
					r = reporter()
				}
			}
			deaf = false
			ok(t, r.Deliver(t.Context()))
			got, err := r.Incidents(t.Context(), "chaton-a.test", 0, 100)
			ok(t, err)
			if round == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("round %d: %s", round, diff)
			}
			for _, i := range got {
				if !told["opened"+i.ID] {
					t.Errorf("round %d: %s was never told", round, i.ID)
				}
			}
		}
		if len(want) != 4 || want[3].Scope != Hoster || !want[2].Unstable || !want[1].Open() || want[1].Unsure[0] != "forge" || want[0].Down[0] != "wiki" {
			t.Errorf("%+v", want)
		}
	})
}

func TestTheOwnerEndsWhatNobodyKnows(t *testing.T) {
	w, nodes := world(t, "chaton-a.test")
	a := nodes["chaton-a.test"]
	start := core.At(w.Clock())
	down := change(a.ID, "pad", verdict.Down, start)
	ok(t, a.Changed(t.Context(), verdict.Verdict{}, down.After))
	ok(t, a.Changed(t.Context(), verdict.Verdict{}, change(a.ID, "pad", verdict.Unknown, start+1000).After))
	w.Wait(time.Hour)
	i, err := a.Say(t.Context(), down.After.Certificate, KindClose, note.Document{Text: "Le service est arrêté pour de bon."})
	ok(t, err)
	if i.Open() {
		t.Errorf("%+v", i)
	}
	// Down again, its word counts no more.
	ok(t, a.Changed(t.Context(), verdict.Verdict{}, change(a.ID, "pad", verdict.Down, core.At(w.Clock())+1000).After))
	if i, err = a.Find(t.Context(), i.ID); err != nil || !i.Open() {
		t.Errorf("%+v, %v", i, err)
	}
	ok(t, a.Gone(t.Context(), verdict.Key{Owner: a.ID, Target: "t-pad"}, strings.Repeat("ab", 32), core.At(w.Clock())+2000))
	if i, err = a.Find(t.Context(), i.ID); err != nil || i.Open() {
		t.Errorf("%+v, %v", i, err)
	}
	// A certificate that comes after the target went opens nothing.
	ok(t, listener{a.Reporter}.readGone(t.Context(), logbook.Entry{Log: a.ID, Body: []byte(`{"id":"t-other"}`), Iat: start}))
	late := change(a.ID, "other", verdict.Down, start+1000)
	ok(t, a.Changed(t.Context(), verdict.Verdict{}, late.After))
	if _, err := a.Find(t.Context(), late.After.Certificate); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("a target that is gone fails: %v", err)
	}
	ok(t, listener{a.Reporter}.readGone(t.Context(), logbook.Entry{Log: a.ID, Body: []byte(`{}`), Iat: start}))
}

func TestNotesOfOneHosterAreBounded(t *testing.T) {
	_, nodes := world(t, "chaton-a.test")
	a := nodes["chaton-a.test"]
	for n := range maxNotes + 5 {
		e := logbook.Entry{Log: "chaton-x.test", Index: int64(n), Typ: TypeNote, Iat: noon + core.Moment(n)}
		e.Hash[0], e.Hash[1] = byte(n), byte(n>>8)
		e.Body = fmt.Appendf(nil, `{"kind":"open","sha256":"%064x","bytes":3,"at_us":%d}`, n, int64(noon))
		ok(t, listener{a.Reporter}.read(t.Context(), e))
	}
	if all, err := a.Incidents(t.Context(), "chaton-x.test", 0, 1000); err != nil || len(all) != maxNotes {
		t.Errorf("%d incidents, %v", len(all), err)
	}
	ok(t, listener{a.Reporter}.cut(t.Context(), "chaton-x.test", 10))
	if all, err := a.Incidents(t.Context(), "chaton-x.test", 0, 1000); err != nil || len(all) != 10 {
		t.Errorf("%d incidents are left, %v", len(all), err)
	}
}

// Where nobody is told, what waits is bounded; what is new stays.
func TestEventsThatNobodyTakesAreBounded(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		r := New(Needs{DB: d, Self: "b.test", ServiceOf: serviceOf, Now: func() time.Time { return noon.Add(day).Time() }, Log: slog.New(slog.DiscardHandler)})
		for n := range 10 {
			ok(t, r.Changed(t.Context(), verdict.Verdict{}, change("a.test", fmt.Sprint(n), verdict.Down, noon.Add(time.Duration(n)*time.Hour)).After))
		}
		ok(t, dropOldEvents(t.Context(), d, 4))
		left, err := events(t.Context(), d, 100)
		ok(t, err)
		if len(left) != 4 || left[3].Incident.Services[0] != "9" {
			t.Errorf("%+v", left)
		}
	})
}

// Several processes may hear of changes at one time.
func TestChangesAtTheSameTime(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		var told sync.Map
		var group errgroup.Group
		for n := range 4 {
			r := New(Needs{
				DB: d, Self: "b.test", ServiceOf: serviceOf, Now: func() time.Time { return noon.Add(time.Hour).Time() }, Log: slog.New(slog.DiscardHandler),
				Tell: func(_ context.Context, e Event) error {
					told.Store(string(e.Kind)+e.Incident.ID, true)
					return nil
				},
			})
			group.Go(func() error {
				for m := range 6 { // each change comes to two of them
					c := change("a.test", fmt.Sprint((n/2+2*m)%5), []verdict.State{verdict.Down, verdict.Up}[m%2], noon.Add(time.Duration(m)*time.Minute))
					if err := r.Changed(t.Context(), verdict.Verdict{}, c.After); err != nil {
						return err
					}
				}
				return nil
			})
		}
		ok(t, group.Wait())
		r := New(Needs{DB: d, Self: "b.test", Now: func() time.Time { return noon.Add(time.Hour).Time() }, Log: slog.New(slog.DiscardHandler)})
		got, err := r.Incidents(t.Context(), "a.test", 0, 100)
		ok(t, err)
		steps, err := stepsSince(t.Context(), d, "a.test", 0)
		ok(t, err)
		all := derive("a.test", steps)
		if len(all) == 0 || len(all) != len(got) {
			t.Errorf("%d incidents, derived %d", len(got), len(all))
		}
		for _, i := range got {
			if _, found := told.Load("opened" + i.ID); !found {
				t.Errorf("%s was never told", i.ID)
			}
		}
	})
}

func FuzzNoteEntry(f *testing.F) {
	f.Add([]byte(`{"kind":"open","sha256":"` + strings.Repeat("0", 64) + `","bytes":3,"at_us":5,"services":["pad"]}`))
	f.Add([]byte(`{"incident":"x","kind":"update"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := dbtest.SQLite(t, "watch", migrations.Files)
		r := New(Needs{DB: d, Self: "b.test", Texts: note.New(note.Needs{DB: d, Self: "b.test", Now: time.Now}), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		ok(t, listener{r}.read(t.Context(), logbook.Entry{Log: "a.test", Typ: TypeNote, Iat: noon, Body: body}))
	})
}
