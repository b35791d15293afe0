package incident

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/verdict"
)

// TestChanges: what is said of incidents that were derived anew.
func TestChanges(t *testing.T) {
	pad := func(id string, opened, closed int64) Incident {
		return Incident{ID: id, Owner: "chaton-a.test", Scope: Service, Services: []string{"Pad"}, Opened: core.Moment(opened), Closed: core.Moment(closed)}
	}
	two := pad("n", 1, 0)
	two.Services = []string{"Pad", "Wiki"}
	for name, c := range map[string]struct {
		before, after []Incident
		into          map[string]string
		want          string
	}{
		"nothing":                            {before: []Incident{pad("o", 1, 0)}, after: []Incident{pad("o", 1, 0)}},
		"opened":                             {after: []Incident{pad("o", 1, 0)}, want: "opened o"},
		"closed":                             {before: []Incident{pad("o", 1, 0)}, after: []Incident{pad("o", 1, 5)}, want: "closed o"},
		"taken back":                         {before: []Incident{pad("o", 1, 0)}, want: "void o"},
		"another case proved it before":      {before: []Incident{pad("o", 3, 0)}, after: []Incident{pad("n", 1, 0)}, want: "renamed o, changed n"},
		"at the same moment":                 {before: []Incident{pad("o", 3, 0)}, after: []Incident{pad("n", 3, 0)}, want: "renamed o, changed n"},
		"another name, and over":             {before: []Incident{pad("o", 3, 0)}, after: []Incident{pad("n", 1, 5)}, want: "opened n, closed n, void o"},
		"one that was over, and a later one": {before: []Incident{pad("o", 1, 2)}, after: []Incident{pad("n", 3, 0)}, want: "opened n, void o"},
		"more services than people know of":  {before: []Incident{pad("o", 1, 0)}, after: []Incident{two}, want: "opened n, void o"},
		"part of one that stood":             {before: []Incident{pad("o", 1, 0), pad("p", 2, 0)}, after: []Incident{pad("o", 1, 0)}, into: map[string]string{"p": "o"}, want: "merged p"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range changes(c.before, c.after, c.into, 9) {
				got = append(got, string(e.Kind)+" "+e.Incident.ID)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%q, not %q", strings.Join(got, ", "), c.want)
			}
		})
	}
}

// TestRemind: what lasts is told again and again, and not while something else waits.
func TestRemind(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		var told []string
		deaf := false
		now := noon
		r := New(Needs{DB: d, Self: "a.test", ServiceOf: serviceOf, Now: func() time.Time { return now.Time() }, Log: slog.New(slog.DiscardHandler), Tell: func(_ context.Context, e Event) error {
			if deaf {
				return errors.New("nobody takes it")
			}
			told = append(told, string(e.Kind)+" "+string(e.Incident.Owner))
			return nil
		}})
		expect := func(when string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
			told = nil
		}
		ok(t, r.Changed(t.Context(), verdict.Verdict{}, change("a.test", "pad", verdict.Down, noon).After))
		now = now.Add(time.Minute)
		ok(t, r.Changed(t.Context(), verdict.Verdict{}, change("b.test", "pad", verdict.Down, now).After))
		expect("opened", "opened a.test", "opened b.test")
		ok(t, r.Remind(t.Context()))
		expect("both last", "lasts a.test", "lasts b.test")
		deaf = true
		now = now.Add(time.Minute)
		ok(t, r.Changed(t.Context(), verdict.Verdict{}, change("a.test", "pad", verdict.Up, now).After))
		ok(t, r.Remind(t.Context()))
		deaf = false
		ok(t, r.Remind(t.Context()))
		expect("something waits")
		ok(t, r.dispatch(t.Context()))
		expect("told", "closed a.test", "lasts b.test")
	})
}
