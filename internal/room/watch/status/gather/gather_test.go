package gather_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/incident/promise"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/status/gather"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

const (
	self = core.MemberID("chaton-a.test")
	web  = "00000000000000aa"
	mail = "00000000000000bb"
)

// concluded says that one target is down since a moment, and the other one is up.
type concluded struct{ down, now core.Moment }

func (c concluded) State(owner core.MemberID, id string) verdict.Verdict {
	v := verdict.Verdict{Owner: owner, Target: id, State: verdict.Up, Since: c.down.Add(-time.Hour), Voters: 7}
	if id == web {
		v.State, v.Since, v.Failing = verdict.Down, c.down, 5
	}
	return v
}

func (c concluded) Voters(owner core.MemberID, id string) verdict.Assignment {
	return verdict.Assignment{Owner: owner, Target: id, Seats: make([]verdict.Seat, 7)}
}

func (c concluded) Intervals(_ context.Context, _ core.MemberID, id string, from, to core.Moment) ([]verdict.Interval, error) {
	if id == mail {
		return []verdict.Interval{{State: verdict.Up, From: from, To: to}}, nil
	}
	return []verdict.Interval{{State: verdict.Up, From: from, To: c.down}, {State: verdict.Down, From: c.down, To: to}}, nil
}

// looked are looks of which the hour before the last has some.
type looked struct{ now core.Moment }

func (l looked) Latest(context.Context, core.MemberID, string) (look.Result, bool, error) {
	return look.Result{At: l.now.Add(-20 * time.Second)}, true, nil
}

func (l looked) Hours(context.Context, core.MemberID, string, core.Moment, core.Moment) ([]record.Sum, error) {
	const hour = core.Moment(time.Hour / time.Microsecond)
	return []record.Sum{{From: l.now/hour*hour - hour, P50: 80 * time.Millisecond, P95: 300 * time.Millisecond}}, nil
}

func (l looked) Days(context.Context, core.MemberID, string, core.Moment, core.Moment) ([]record.Sum, error) {
	return nil, nil
}

// TestSnapshotOfTheRoom: what the other folders hold stands in the snapshot: the worst
// target's state, days by the calendar, the incident with the hoster's words, the promise
// and the plan; a local target does not.
func TestSnapshotOfTheRoom(t *testing.T) {
	w := incidenttest.New(t, dbtest.SQLite, self)
	ctx, n, start := t.Context(), w.Nodes[self], core.At(w.Clock())
	said := incident.NewPublisher(incident.PublisherNeeds{
		DB: n.DB, Book: n.Book, Self: self, Now: w.Clock, Log: slog.New(slog.DiscardHandler),
		ServiceOf: func(context.Context, core.MemberID, string) (string, error) { return "Pad", nil },
	})
	n.Readers = said.Readers()
	ok := func(err error) { t.Helper(); incidenttest.OK(t, err) }
	away := int64(480)
	_, err := said.Promises.Set(ctx, promise.Promise{Service: "Pad", Away: &away, Zone: "Europe/Paris"})
	ok(err)
	_, err = said.Plans.Plan(ctx, maintenance.Plan{Services: []string{"Pad"}, Start: start.Add(100 * time.Hour), End: start.Add(101 * time.Hour)}, note.Document{Text: "Un disque."})
	ok(err)
	down := verdict.Verdict{Owner: self, Target: web, State: verdict.Down, Since: start, Failing: 5, Voters: 7, Certificate: strings.Repeat("ab", 32)}
	ok(said.Incidents.Changed(ctx, verdict.Verdict{Owner: self, Target: web, State: verdict.Up}, down))
	all, err := said.Incidents.Incidents(ctx, self, 0, 10)
	ok(err)
	if len(all) != 1 {
		t.Fatalf("%d incidents", len(all))
	}
	_, err = said.Incidents.Say(ctx, all[0].ID, incident.KindUpdate, note.Document{Text: "Un disque est plein."})
	ok(err)
	w.Wait(2 * time.Hour)

	now := core.At(w.Clock())
	made := start.Add(-50 * time.Hour)
	targets := []target.Target{
		{ID: web, Owner: self, Service: "Pad", Kind: target.HTTP, Made: made},
		{ID: mail, Owner: self, Service: "Courriel", Kind: target.SMTP, Made: made},
		{ID: "00000000000000cc", Owner: self, Service: "Routeur", Kind: target.TCP, Local: true, Made: made},
		{ID: "00000000000000dd", Owner: self, Service: "Echo", Kind: target.ICMP, Made: made},
		{ID: "00000000000000ee", Owner: self, Service: "Pad", Kind: target.TLS, Made: made, Paused: true},
	}
	catalogue, err := words.New(incident.Words)
	ok(err)
	source := gather.New(gather.Needs{
		Hosters: func(context.Context) ([]status.Hoster, error) {
			return []status.Hoster{{ID: self, Name: "A", Zone: "Europe/Paris"}}, nil
		},
		Targets:  func(context.Context, core.MemberID) ([]target.Target, error) { return targets, nil },
		Verdicts: concluded{start, now}, Looks: looked{now}, Said: said, Words: catalogue,
		Behind: func(context.Context, core.MemberID, core.Moment) ([]software.Running, error) {
			return []software.Running{
				{Owner: self, Target: web, Software: "etherpad", Version: "1.9.1", Behind: start.Add(-20 * 24 * time.Hour)},
				{Owner: self, Target: "00000000000000ee", Software: "paused", Version: "1", Behind: start.Add(-40 * 24 * time.Hour)},
			}, nil
		},
	})
	_, key, err := ed25519.GenerateKey(nil)
	ok(err)
	board := status.New(status.Needs{Source: source, Signer: seal.NewSigner(self, key), Now: w.Clock})
	ok(board.Rebuild(ctx))
	s, there := board.Of(self)
	if !there || len(s.Services) != 2 || s.Services[0].Name != "Courriel" || s.Voters != 7 || s.Basis != now.Add(-20*time.Second) {
		t.Fatalf("%+v", s)
	}
	pad := s.Services[1]
	var sum status.Parts
	for _, d := range pad.Days {
		sum = sum.Add(d.Parts)
	}
	if pad.State != verdict.Down || pad.Failing != 5 || pad.Since != start || sum.Down != int64(now.Sub(start).Seconds()) || sum.Up != 50*3600 || sum.Unknown != 0 {
		t.Errorf("%s since %d, %+v", pad.State, pad.Since, sum)
	}
	if p := pad.Promise; p == nil || p.Away != 8*3600 || len(p.Says["fr"]) != 1 || strings.Contains(p.Says["en"][0], "⟦") {
		t.Errorf("the promise: %+v", p)
	}
	if b := pad.Behind; b == nil || b.Version != "1.9.1" || b.Since != start.Add(-20*24*time.Hour) || s.Services[0].Behind != nil {
		t.Errorf("a program that is too old: %+v, %+v", b, s.Services[0].Behind)
	}
	if l := pad.Latency; l == nil || l.Day.P50[22] != 80 || l.Day.P50[23] != -1 || l.Month.P50[29] != -1 {
		t.Errorf("latency: %+v", l)
	}
	i := s.Incidents[0]
	if len(s.Incidents) != 1 || i.State != verdict.Down || i.Closed != 0 || len(i.Services) != 1 || i.Services[0] != "Pad" || len(i.Timeline) != 1 || i.Timeline[0].Count != 5 || len(i.Notes) != 1 || i.Notes[0].Text != "Un disque est plein." {
		t.Errorf("%+v", s.Incidents)
	}
	if m := s.Maintenance; len(m) != 1 || m[0].Text != "Un disque." || m[0].From != start.Add(100*time.Hour) {
		t.Errorf("%+v", m)
	}
}
