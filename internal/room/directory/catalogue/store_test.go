package catalogue

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/migrations"
)

func each(t *testing.T, fn func(t *testing.T, s *Store)) {
	t.Helper()
	dbtest.Each(t, "directory", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, New(d)) })
}

var (
	open   = access.Access{Register: access.RegisterAnyone, Load: access.LoadOpen}
	full   = access.Access{Register: access.RegisterAnyone, Load: access.LoadFull}
	noneed = access.Access{Without: access.WithoutAll}
)

// fill puts two members and a hoster that only publishes a file into the store.
func fill(t *testing.T, s *Store) {
	t.Helper()
	says := func(key string, source Source) Author { return Author{Key: key, Source: source, Said: 5, Heard: 9} }
	must(t, s.Put(t.Context(), Hoster{Author: says("chaton-a.test", FromLog), Name: "Chaton A", Town: "Saint-Étienne", Country: "FR"}, []Service{
		{Slug: "pad", Name: "Bloc", Kind: KindPad, Software: "Etherpad Lite", Languages: []string{"fr"}, Access: noneed, About: "Écrire à plusieurs"},
		{Slug: "cloud", Name: "Nuage", Kind: KindFiles, Software: "Nextcloud", Languages: []string{"fr", "br"}, Access: full, Country: "DE"},
	}))
	must(t, s.Put(t.Context(), Hoster{Author: says("chaton-b.test", FromLog), Name: "Chaton B", Country: "BE", File: "https://www.chaton-b.test/o.properties"}, []Service{
		{Slug: "cloud", Name: "Cloud", Kind: KindFiles, Software: "nextcloud", Languages: []string{"nl"}, Access: open},
		{Slug: "old", Name: "Old pad", Kind: KindPad, Software: "Etherpad", Ended: true},
	}))
	must(t, s.Put(t.Context(), Hoster{Author: says("https://c.test/o.properties", FromFile), Name: "C"}, []Service{{Slug: "pad", Name: "Pad of C", Kind: KindPad}}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names of what is found, sorted.
func names(t *testing.T, s *Store, q Query) []string {
	t.Helper()
	got, err := s.Find(t.Context(), q)
	must(t, err)
	out := []string{}
	for _, f := range got.Services {
		out = append(out, f.Service.Name)
	}
	slices.Sort(out)
	if got.Total != len(out) {
		t.Errorf("total %d of %v", got.Total, out)
	}
	return out
}

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		fill(t, s)
		for name, c := range map[string]struct {
			q    Query
			want []string
		}{
			"everything":             {Query{}, []string{"Bloc", "Cloud", "Nuage", "Pad of C"}},
			"accents and case":       {Query{Text: "ECRIRE"}, []string{"Bloc"}},
			"beginnings":             {Query{Text: "nextc"}, []string{"Cloud", "Nuage"}},
			"all words":              {Query{Text: "nextcloud chaton-b"}, []string{"Cloud"}},
			"the middle of a word":   {Query{Text: "cloud"}, []string{"Cloud", "Nuage"}},
			"its kind's French name": {Query{Text: "fichiers"}, []string{"Cloud", "Nuage"}},
			"its hoster's town":      {Query{Text: "étienne"}, []string{"Bloc", "Nuage"}},
			"kind":                   {Query{Kind: KindPad}, []string{"Bloc", "Pad of C"}},
			"software":               {Query{Software: "NextCloud"}, []string{"Cloud", "Nuage"}},
			"language":               {Query{Language: "br"}, []string{"Nuage"}},
			"a language is no word":  {Query{Text: "lang:br"}, []string{}},
			"town":                   {Query{Town: "saint etienne"}, []string{"Bloc", "Nuage"}},
			"half a town":            {Query{Town: "saint"}, []string{}},
			"the machine's country":  {Query{Country: "de"}, []string{"Nuage"}},
			"the hoster's country":   {Query{Country: "FR"}, []string{"Bloc"}},
			"open":                   {Query{Open: true}, []string{"Cloud"}},
			"without account":        {Query{WithoutAccount: true}, []string{"Bloc"}},
			"of some hosters":        {Query{Hosters: []string{"chaton-b.test", "nobody.test"}}, []string{"Cloud"}},
			"of no hoster":           {Query{Hosters: []string{}}, []string{}},
			"nothing like it":        {Query{Text: "zebra"}, []string{}},
			"like is not a pattern":  {Query{Text: "%", Software: "_"}, []string{"Bloc", "Cloud", "Nuage", "Pad of C"}},
		} {
			if got := names(t, s, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		got, err := s.Find(t.Context(), Query{Kind: KindPad, Hosters: []string{"chaton-a.test"}})
		must(t, err)
		if f := got.Services[0]; f.Hoster.Name != "Chaton A" || f.Hoster.Author.Said != 5 || f.Service.Author.Source != FromLog || f.Service.Software != "Etherpad Lite" {
			t.Errorf("%+v", f)
		}
	})
}

// TestSameHoster: who speaks in its logbook is not shown a second time by its
// file; and nobody hides another's file by calling it his own.
func TestSameHoster(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		file := Hoster{Author: Author{Key: "https://www.chaton-b.test/o.properties", Source: FromFile}, Name: "B's file"}
		must(t, s.Put(t.Context(), file, []Service{{Slug: "x", Name: "From the file"}}))
		if got := names(t, s, Query{}); !slices.Equal(got, []string{"From the file"}) {
			t.Fatal(got)
		}
		must(t, s.PutHoster(t.Context(), Hoster{Author: Author{Key: "thief.test", Source: FromLog}, Name: "Thief", File: file.Author.Key}))
		if got := names(t, s, Query{}); !slices.Equal(got, []string{"From the file"}) {
			t.Error("somebody hid another's file", got)
		}
		must(t, s.PutHoster(t.Context(), Hoster{Author: Author{Key: "chaton-b.test", Source: FromLog}, Name: "B", File: file.Author.Key}))
		must(t, s.PutService(t.Context(), Service{Author: Author{Key: "chaton-b.test", Source: FromLog}, Slug: "x", Name: "From the log"}))
		if got := names(t, s, Query{}); !slices.Equal(got, []string{"From the log"}) {
			t.Error(got)
		}
		must(t, s.Put(t.Context(), file, []Service{{Slug: "x", Name: "Fetched again"}}))
		if got := names(t, s, Query{}); !slices.Equal(got, []string{"From the log"}) {
			t.Error(got)
		}
		all, err := s.Hosters(t.Context(), HosterQuery{})
		must(t, err)
		if all.Total != 2 {
			t.Errorf("%+v", all)
		}
		must(t, s.Forget(t.Context(), "chaton-b.test"))
		if got := names(t, s, Query{}); !slices.Equal(got, []string{"Fetched again"}) {
			t.Error(got)
		}
	})
}

// TestChanges: what is said later counts, in whatever order hoster and services
// come; what is over is kept and not found.
func TestChanges(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		a := Author{Key: "chaton-a.test", Source: FromLog}
		must(t, s.PutService(t.Context(), Service{Author: a, Slug: "pad", Name: "Pad"}))
		if got := names(t, s, Query{}); len(got) != 0 {
			t.Error("a service without a hoster is shown", got)
		}
		must(t, s.PutHoster(t.Context(), Hoster{Author: a, Name: "Before"}))
		must(t, s.PutHoster(t.Context(), Hoster{Author: a, Name: "After"}))
		if before, after := names(t, s, Query{Text: "before"}), names(t, s, Query{Text: "after"}); len(before) != 0 || len(after) != 1 {
			t.Error(before, after)
		}
		must(t, s.PutService(t.Context(), Service{Author: a, Slug: "pad", Name: "Pad", Ended: true}))
		h, services, err := s.Hoster(t.Context(), a.Key)
		must(t, err)
		if got := names(t, s, Query{}); len(got) != 0 || h.Name != "After" || len(services) != 1 || !services[0].Ended {
			t.Error(got, h, services)
		}
		for i := range MaxServices - 1 {
			must(t, s.PutService(t.Context(), Service{Author: a, Slug: fmt.Sprint(i), Name: "x"}))
		}
		if err := s.PutService(t.Context(), Service{Author: a, Slug: "one more"}); core.CodeOf(err) != core.CodeFull {
			t.Error(err)
		}
		must(t, s.PutService(t.Context(), Service{Author: a, Slug: "pad", Name: "again"}))
		if _, _, err := s.Hoster(t.Context(), "nobody.test"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
	})
}

// TestOrder: pages hold each service once on every day, and no service is first
// for ever. The days are fixed, so that the test says the same each time.
func TestOrder(t *testing.T) {
	d := dbtest.SQLite(t, "directory", migrations.Files)
	s := New(d)
	var all []Service
	for i := range MaxServices {
		all = append(all, Service{Slug: fmt.Sprint(i), Name: fmt.Sprint(i)})
	}
	must(t, s.Put(t.Context(), Hoster{Author: Author{Key: "a.test", Source: FromLog}, Name: "A"}, all))
	page := func(page int, day time.Time) []Found {
		got, err := s.Find(t.Context(), Query{Page: page, Day: day})
		if err != nil || got.Total != MaxServices {
			t.Fatal(got.Total, err)
		}
		return got.Services
	}
	const days = 100
	first := map[string]bool{}
	for n := range days {
		day := time.Unix(1_700_000_000, 0).AddDate(0, 0, n)
		first[page(0, day)[0].Service.Name] = true
		if n%20 != 0 {
			continue
		}
		seen := map[string]bool{}
		for p := range (MaxServices + PageSize - 1) / PageSize {
			for _, f := range page(p, day) {
				seen[f.Service.Slug] = true
			}
		}
		if len(seen) != MaxServices {
			t.Fatalf("%d of %d were on a page", len(seen), MaxServices)
		}
	}
	if n := len(first); n < days/2 {
		t.Errorf("only %d services came first in %d days", n, days)
	}
}

// TestKindOf: a program is of one kind, however it is written.
func TestKindOf(t *testing.T) {
	for program, want := range map[string]Kind{"Nextcloud": KindFiles, "Etherpad Lite": KindPad, "Jitsi-Meet": KindMeeting, "PeerTube": KindVideo, "Unheard of": KindUnknown, "": KindUnknown} {
		if got := KindOf(program); got != want {
			t.Errorf("%q is for %q, want %q", program, got, want)
		}
	}
}
