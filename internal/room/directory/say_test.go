package directory

import (
	"testing"
	"time"

	"entrechat/internal/room/directory/catalogue"
)

func TestChanges(t *testing.T) {
	pad := catalogue.Service{Slug: "pad", Name: "Pad"}
	full := pad
	full.Access.Load = "full"
	over := catalogue.Service{Slug: "pad", Name: "Pad", Ended: true}
	old := pad
	old.Author = catalogue.Author{Key: "a.test", Said: 5}
	confirmed := func(days int) catalogue.Service {
		s := pad
		s.Author.Said = old.Author.Said.Add(time.Duration(days) * 24 * time.Hour)
		return s
	}
	for name, c := range map[string]struct{ said, now, want []catalogue.Service }{
		"nothing at all":    {},
		"the first time":    {now: []catalogue.Service{pad}, want: []catalogue.Service{pad}},
		"said long ago":     {said: []catalogue.Service{old}, now: []catalogue.Service{pad}},
		"full now":          {said: []catalogue.Service{pad}, now: []catalogue.Service{full}, want: []catalogue.Service{full}},
		"withdrawn":         {said: []catalogue.Service{full}, want: []catalogue.Service{over}},
		"confirmed since":   {said: []catalogue.Service{old}, now: []catalogue.Service{confirmed(8)}, want: []catalogue.Service{pad}},
		"confirmed just so": {said: []catalogue.Service{old}, now: []catalogue.Service{confirmed(6)}},
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
