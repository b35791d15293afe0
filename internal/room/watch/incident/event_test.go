package incident

import (
	"strings"
	"testing"

	"entrechat/internal/core"
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
