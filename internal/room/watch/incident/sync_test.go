package incident

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/verdict"
)

// history is what an engine holds of the certificates that came so far.
type history struct {
	events map[string][]verdict.Event
	told   map[string]verdict.Verdict
}

func (h *history) read(_ context.Context, _ core.MemberID, id string, from, to core.Moment) ([]verdict.Interval, error) {
	return verdict.Intervals(verdict.Spans(h.events[id]), 1, from, to, nil), nil
}

// hear takes a certificate in and tells, as the engine does, only what stands now.
func (h *history) hear(ctx context.Context, r *Reporter, e verdict.Event) error {
	h.events[e.Target] = append(h.events[e.Target], e)
	spans := verdict.Spans(h.events[e.Target])
	if len(spans) == 0 {
		return nil
	}
	last := spans[len(spans)-1]
	v := verdict.Verdict{Owner: e.Owner, Target: e.Target, State: last.State, Since: last.From, Weak: last.Weak, Case: last.Nonce, Certificate: last.Hash, Failing: 5, Voters: 7}
	before := h.told[e.Target]
	if before == v {
		return nil
	}
	h.told[e.Target] = v
	return r.Changed(ctx, before, v)
}

// Certificates that come in any order, late, or two for one outage, give the same incidents
// on every node: those of somebody who had them all at once.
func TestLateCertificatesGiveTheSameIncidents(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	clock := noon.Add(30 * day)
	node := func(h *history) *Reporter {
		for _, table := range []string{"watch_incident", "watch_incident_step", "watch_incident_event"} {
			if _, err := db.Exec(t.Context(), d, "DELETE FROM "+table); err != nil {
				t.Fatal(err)
			}
		}
		return New(Needs{
			DB: d, Self: "b.test", ServiceOf: serviceOf, History: h.read, Now: func() time.Time { return clock.Time() }, Log: slog.New(slog.DiscardHandler),
			Watched: func(context.Context) (all []verdict.Key, err error) {
				for id := range h.events {
					all = append(all, verdict.Key{Owner: "a.test", Target: id})
				}
				return all, nil
			},
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		var events []verdict.Event
		for n := range rapid.IntRange(1, 14).Draw(rt, "n") {
			since := noon.Add(time.Duration(rapid.IntRange(0, 6000).Draw(rt, "at")) * time.Minute)
			events = append(events, verdict.Event{
				Key:     verdict.Key{Owner: "a.test", Target: "t-" + rapid.SampledFrom([]string{"pad", "wiki", "cloud", "forge"}).Draw(rt, "target")},
				Nonce:   fmt.Sprintf("%032x", n*7919%1009),
				Outcome: verdict.Outcome{State: rapid.SampledFrom([]verdict.State{verdict.Down, verdict.Up, verdict.Partial}).Draw(rt, "state"), Decided: true, Weak: rapid.Bool().Draw(rt, "weak")},
				Since:   since, Last: since.Add(time.Duration(rapid.IntRange(20, 200).Draw(rt, "later")) * time.Second), Hash: fmt.Sprintf("%064x", n),
			})
		}
		var want []Incident
		for round, order := range [][]verdict.Event{events, rapid.Permutation(events).Draw(rt, "order")} {
			h := &history{map[string][]verdict.Event{}, map[string]verdict.Verdict{}}
			r := node(h)
			for _, e := range order {
				if err := h.hear(rt.Context(), r, e); err != nil {
					rt.Fatal(err)
				}
			}
			if err := r.syncAll(rt.Context()); err != nil {
				rt.Fatal(err)
			}
			got, err := r.Incidents(rt.Context(), "", 0, 100)
			if err != nil {
				rt.Fatal(err)
			}
			if round == 0 {
				want = got
				continue
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				rt.Fatal(diff)
			}
		}
		// And they are those of somebody who derives them from all certificates at once.
		var steps []step
		for _, service := range []string{"pad", "wiki", "cloud", "forge"} {
			var of []verdict.Event
			for _, e := range events {
				if e.Target == "t-"+service {
					of = append(of, e)
				}
			}
			k := verdict.Key{Owner: "a.test", Target: "t-" + service}
			for _, one := range proved(k, verdict.Intervals(verdict.Spans(of), 1, 0, clock, nil), 0, nil) {
				one.Service = service
				steps = append(steps, one)
			}
		}
		byID := func(a, b Incident) int { return cmp.Compare(a.ID, b.ID) }
		var all []Incident
		for _, one := range derive("a.test", steps) {
			all = append(all, one.Incident)
		}
		slices.SortFunc(all, byID)
		slices.SortFunc(want, byID)
		if diff := gocmp.Diff(all, want, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatal(diff)
		}
	})
}
