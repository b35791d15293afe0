package directory

import (
	"testing"

	"entrechat/internal/room/directory/catalogue"
)

func TestChanges(t *testing.T) {
	pad := catalogue.Service{Slug: "pad", Name: "Pad"}
	full := pad
	full.Access.Load = "full"
	over := catalogue.Service{Slug: "pad", Name: "Pad", Ended: true}
	old := pad
	old.Author = catalogue.Author{Key: "a.test", Said: 5}
	for name, c := range map[string]struct{ said, now, want []catalogue.Service }{
		"nothing at all":    {},
		"the first time":    {now: []catalogue.Service{pad}, want: []catalogue.Service{pad}},
		"said long ago":     {said: []catalogue.Service{old}, now: []catalogue.Service{pad}},
		"full now":          {said: []catalogue.Service{pad}, now: []catalogue.Service{full}, want: []catalogue.Service{full}},
		"withdrawn":         {said: []catalogue.Service{full}, want: []catalogue.Service{over}},
		"withdrawn already": {said: []catalogue.Service{over}},
		"back again":        {said: []catalogue.Service{over}, now: []catalogue.Service{pad}, want: []catalogue.Service{pad}},
	} {
		got := changes(c.said, c.now)
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i := range got {
			if !sameSheet(got[i], c.want[i]) {
				t.Errorf("%s: %+v", name, got[i])
			}
		}
	}
}
