package incident

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/incident/promise"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/verdict"
)

// publishers are two hosters that read one another, put together as the room does.
func publishers(t *testing.T) (*incidenttest.World, map[core.MemberID]*Publisher) {
	t.Helper()
	w := incidenttest.New(t, dbtest.SQLite, "chaton-a.test", "chaton-b.test")
	out := map[core.MemberID]*Publisher{}
	for _, n := range w.Nodes {
		p := NewPublisher(PublisherNeeds{
			DB: n.DB, Book: n.Book, Self: n.ID, Calls: n.Client, ServiceOf: serviceOf, Now: w.Clock, Log: slog.New(slog.DiscardHandler),
			TargetsOf: func(_ context.Context, _ core.MemberID, service string) ([]string, error) {
				return []string{"t-" + service, "t-other"}, nil
			},
			History: func(_ context.Context, _ core.MemberID, target string, from, to core.Moment) ([]verdict.Interval, error) {
				down := core.At(w.Clock()).Add(-90 * time.Minute)
				if target == "t-other" {
					return []verdict.Interval{{State: verdict.Up, From: from, To: to}}, nil
				}
				return []verdict.Interval{{State: verdict.Up, From: from, To: down}, {State: verdict.Down, From: down, To: to, Case: "the case"}}, nil
			},
			VotersOf: func(context.Context, core.MemberID) ([]core.MemberID, error) {
				return []core.MemberID{"chaton-a.test", "chaton-b.test"}, nil
			},
		})
		n.Readers = p.Readers()
		n.Serve(p.Routes())
		out[n.ID] = p
	}
	return w, out
}

func TestTheRoomPutTogether(t *testing.T) {
	w, all := publishers(t)
	a, b := all["chaton-a.test"], all["chaton-b.test"]
	ctx, start := t.Context(), core.At(w.Clock())
	_, err := a.Plans.Plan(ctx, maintenance.Plan{Start: start.Add(10 * time.Minute), End: start.Add(time.Hour)}, note.Document{})
	ok(t, err)
	away := int64(480)
	_, err = a.Promises.Set(ctx, promise.Promise{Service: "pad", Away: &away})
	ok(t, err)
	w.Wait(2 * time.Hour)
	v := verdict.Verdict{Owner: "chaton-a.test", Target: "t-pad", State: verdict.Down, Since: core.At(w.Clock()).Add(-90 * time.Minute), Case: "the case", Certificate: strings.Repeat("5", 64), Voters: 7, Failing: 6}
	ok(t, b.Incidents.Changed(ctx, verdict.Verdict{}, v))
	story, err := b.Incidents.Incident(ctx, v.Certificate)
	ok(t, err)
	if len(story.Lines) != 2 || story.Lines[0].Kind != LinePlan || story.Lines[1].Failing != 6 || story.ID != keyOf(v) {
		t.Errorf("%+v", story.Lines)
	}
	// The maintenance of ten minutes ago was announced before that outage, and began before it.
	f, err := b.Figures(ctx, "chaton-a.test", "pad", core.At(w.Clock()).Add(-24*time.Hour), core.At(w.Clock()))
	ok(t, err)
	if f.Sum.Down != time.Hour || f.Sum.Maintenance != 30*time.Minute || f.Sum.Total() != 24*time.Hour || f.Promise == nil {
		t.Errorf("%+v", f)
	}
	if said, err := b.Promises.Promises(ctx, "chaton-a.test"); err != nil || len(said) != 1 || *said[0].Away != 480 || said[0].Zone != "UTC" {
		t.Errorf("%+v, %v", said, err)
	}
	if kinds := Entries(); len(kinds) != 3 || len(a.Jobs()) != 4 {
		t.Errorf("%v", kinds)
	}
}

// A command that was killed after its entry was written loses nothing: the reader takes the
// entry in. One that was killed before leaves a text that nobody names, and that goes.
func TestAKilledCommandLosesNothing(t *testing.T) {
	w, all := publishers(t)
	a, ctx := all["chaton-a.test"], t.Context()
	name, size, err := a.Texts.Add(ctx, note.Document{Text: "On cherche."})
	ok(t, err)
	e, err := w.Nodes["chaton-a.test"].Book.Append(ctx, TypeNote, nil, 0, Body{Kind: KindOpen, SHA256: name, Bytes: size, At: core.At(w.Clock())})
	ok(t, err)
	lost, _, err := a.Texts.Add(ctx, note.Document{Text: "Jamais dit."})
	ok(t, err)
	w.Wait(time.Minute)
	w.Wait(8 * 24 * time.Hour)
	ok(t, a.Texts.Fetch(ctx))
	story, err := a.Incidents.Incident(ctx, hex.EncodeToString(e.Hash[:]))
	ok(t, err)
	if len(story.Lines) != 1 || story.Lines[0].Text.Text != "On cherche." {
		t.Errorf("%+v", story.Lines)
	}
	texts, err := a.Texts.All(ctx, "chaton-a.test", []string{lost})
	if err != nil || texts[lost].State == note.Held {
		t.Errorf("%+v, %v", texts, err)
	}
}

// Foreign notes that claim a text, or take it down, do not touch another member's.
func TestNobodyTakesDownAnothersText(t *testing.T) {
	w, all := publishers(t)
	a, b, ctx := all["chaton-a.test"], all["chaton-b.test"], t.Context()
	i, err := a.Incidents.Open(ctx, nil, note.Document{Text: "On cherche."})
	ok(t, err)
	story, err := a.Incidents.Incident(ctx, i.ID)
	ok(t, err)
	_, err = w.Nodes["chaton-b.test"].Book.Append(ctx, TypeNote, nil, 0, Body{Incident: i.ID, Kind: KindWithdraw, SHA256: story.Lines[0].Name, At: core.At(w.Clock())})
	ok(t, err)
	_, err = w.Nodes["chaton-b.test"].Book.Append(ctx, TypeNote, nil, 0, Body{Incident: i.ID, Kind: KindClose, SHA256: story.Lines[0].Name, At: core.At(w.Clock())})
	ok(t, err)
	w.Wait(time.Minute)
	ok(t, b.Texts.Fetch(ctx))
	for id, p := range all {
		if story, err = p.Incidents.Incident(ctx, i.ID); err != nil || !story.Open() || story.Lines[0].Text.Text != "On cherche." {
			t.Errorf("%s: %+v, %v", id, story, err)
		}
	}
}

// BenchmarkTook is one more change of an incident that has been open for a thousand.
func BenchmarkTook(b *testing.B) {
	d := dbtest.SQLite(b, "watch", migrations.Files)
	at := noon
	r := New(Needs{DB: d, Self: "b.test", ServiceOf: serviceOf, Now: func() time.Time { return at.Time() }, Log: slog.New(slog.DiscardHandler)})
	states := []verdict.State{verdict.Down, verdict.Partial}
	n := 0
	took := func() {
		at = at.Add(time.Hour)
		n++
		ok(b, r.Changed(b.Context(), verdict.Verdict{}, verdict.Verdict{Owner: "a.test", Target: "t-pad", State: states[n%2], Since: at, Case: fmt.Sprintf("%032x", n)}))
	}
	for range 1000 {
		took()
	}
	for b.Loop() {
		took()
	}
}
