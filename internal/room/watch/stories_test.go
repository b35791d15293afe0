package watch

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/verdict"
)

// What another room is told of an outage of 61 minutes, and of what it has told.
func TestStories(t *testing.T) {
	w := incidenttest.New(t, dbtest.SQLite, "chaton-a.test")
	n, ctx := w.Nodes["chaton-a.test"], t.Context()
	p := incident.NewPublisher(incident.PublisherNeeds{
		DB: n.DB, Book: n.Book, Self: n.ID, ServiceOf: func(context.Context, core.MemberID, string) (string, error) { return "Pad", nil },
		Now: w.Clock, Log: slog.New(slog.DiscardHandler),
	})
	s := Stories{p}
	from := core.At(w.Clock())
	state := func(at core.Moment, state verdict.State, name string) verdict.Verdict {
		return verdict.Verdict{Owner: n.ID, Target: "pad", State: state, Since: at, Case: name, Failing: 2, Voters: 3}
	}
	incidenttest.OK(t, p.Incidents.Changed(ctx, verdict.Verdict{}, state(from, verdict.Down, "1")))
	type told struct {
		id         string
		services   string
		from, till core.Moment
		down       time.Duration
	}
	outages := func() (all []told) {
		incidenttest.OK(t, s.Outages(ctx, 0, func(id string, services []string, from, until core.Moment, down time.Duration) {
			all = append(all, told{id, services[0], from, until, down})
		}))
		return all
	}
	w.Wait(61 * time.Minute)
	if all := outages(); len(all) != 0 {
		t.Fatalf("it is not over: %+v", all)
	}
	incidenttest.OK(t, p.Incidents.Changed(ctx, verdict.Verdict{}, state(core.At(w.Clock()), verdict.Up, "2")))
	all := outages()
	if len(all) != 1 || all[0].services != "Pad" || all[0].from != from || all[0].till != core.At(w.Clock()) || all[0].down != 61*time.Minute {
		t.Fatalf("%+v", all)
	}
	if _, _, err := s.Postmortem(ctx, all[0].id); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("a postmortem that nobody told: %v", err)
	}
	texts := map[string]string{"what": "The disk was full.", "change": "An alert.", "answer": "https://chaton-a.test/debates/X"}
	blames := map[string]string{"what": "Human error.", "answer": texts["answer"]}
	if err := s.PublishPostmortem(ctx, all[0].id, "en", blames); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("somebody is blamed: %v", err)
	}
	incidenttest.OK(t, s.PublishPostmortem(ctx, all[0].id, "en", texts))
	got, lang, err := s.Postmortem(ctx, all[0].id)
	if err != nil || lang != "en" || len(got) != 3 || got["what"] != texts["what"] || got["answer"] != texts["answer"] {
		t.Errorf("%v %s %v", got, lang, err)
	}
	count := 0
	incidenttest.OK(t, s.EachPostmortem(ctx, func(owner core.MemberID, id string, opened core.Moment, texts map[string]string) {
		if owner == n.ID && id == all[0].id && opened == from && texts["change"] == "An alert." {
			count++
		}
	}))
	if count != 1 {
		t.Errorf("%d postmortems", count)
	}
}
