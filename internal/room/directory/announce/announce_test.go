package announce

import (
	"slices"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/migrations"
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
			if !sameListing(got[i], c.want[i]) {
				t.Errorf("%s: %+v", name, got[i])
			}
		}
	}
}

func TestWhatChanged(t *testing.T) {
	plainPad := catalogue.Service{Slug: "pad", Name: "Pad", Level: catalogue.LevelOK}
	full, down, over, renamed := plainPad, plainPad, plainPad, plainPad
	full.Access.Load, down.Level, over.Ended, renamed.Name = access.LoadFull, catalogue.LevelError, true, "Bloc"
	for name, c := range map[string]struct {
		was  *catalogue.Service
		now  catalogue.Service
		want []string
	}{
		"first time":    {nil, plainPad, []string{"new"}},
		"over already":  {nil, over, nil},
		"full":          {&plainPad, full, []string{"full"}},
		"room again":    {&full, plainPad, []string{"open"}},
		"down":          {&plainPad, down, []string{"level"}},
		"both":          {&full, down, []string{"open", "level"}},
		"ended":         {&full, over, []string{"ended"}},
		"back":          {&over, plainPad, []string{"new"}},
		"a better name": {&plainPad, renamed, nil},
	} {
		var got []string
		for _, change := range whatChanged(c.was, c.now) {
			got = append(got, change.What)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestChangesAreStored(t *testing.T) {
	dbtest.Each(t, "directory", migrations.Files, func(t *testing.T, d *db.DB) {
		a := New(Needs{DB: d})
		if all, err := a.LastChanges(t.Context(), 5); err != nil || len(all) != 0 {
			t.Fatalf("%v, %v", all, err)
		}
		for i := range MaxChanges + 5 {
			if err := a.AddChange(t.Context(), Change{What: "level", Slug: "pad", Value: []string{"OK", "ERROR"}[i%2]}); err != nil {
				t.Fatal(err)
			}
		}
		all, err := a.LastChanges(t.Context(), 10_000)
		if err != nil || len(all) != MaxChanges || all[0].Seq != MaxChanges+5 || all[0].Value != "OK" || all[1].Value != "ERROR" {
			t.Errorf("%d changes are stored, %+v, %v", len(all), all[:min(len(all), 2)], err)
		}
	})
}
