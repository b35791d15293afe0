package catalogue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
)

func hosters(t *testing.T, s *Store, word string) int {
	t.Helper()
	found, err := s.Find(t.Context(), Query{Text: word})
	if err != nil {
		t.Fatal(err)
	}
	return found.Total
}

// TestAnotherNameAllDay: an author that says the same again makes no work, one that
// says something else each minute is indexed now and then, and its last word counts.
func TestAnotherNameAllDay(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		at := core.At(time.Unix(1_800_000_000, 0))
		say := func(name string, after time.Duration) {
			t.Helper()
			at = at.Add(after)
			if err := s.PutHoster(t.Context(), Hoster{Author: Author{Key: "a.test", Source: FromLog, Said: at, Heard: at}, Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		job := func(after time.Duration) {
			t.Helper()
			at = at.Add(after)
			if err := s.Index(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
		say("alpha", 0)
		for _, slug := range []string{"pad", "mail"} {
			if err := s.PutService(t.Context(), Service{Author: Author{Key: "a.test", Source: FromLog}, Slug: slug, Name: slug}); err != nil {
				t.Fatal(err)
			}
		}
		say("beta", IndexPause+time.Second)
		if hosters(t, s, "beta") != 2 || hosters(t, s, "alpha") != 0 {
			t.Error("the first change is not found at once")
		}
		for i := range 20 {
			say(strings.Repeat("x", i+1), time.Second)
			job(time.Second)
		}
		say("omega", time.Second)
		if h, _, err := s.Hoster(t.Context(), "a.test"); err != nil || h.Name != "omega" {
			t.Errorf("%+v, %v", h, err)
		}
		if hosters(t, s, "beta") != 2 {
			t.Error("indexed again within the pause")
		}
		job(IndexPause)
		if hosters(t, s, "omega") != 2 || hosters(t, s, "beta") != 0 {
			t.Error("the last word does not count")
		}
		// The same again: what nobody asks for is not done.
		if _, err := s.db.ExecContext(t.Context(), `DELETE FROM directory_word`); err != nil {
			t.Fatal(err)
		}
		say("omega", 2*IndexPause)
		if job(IndexPause); hosters(t, s, "omega") != 0 {
			t.Error("the same words were indexed again")
		}
	})
}

// TestAFileNamedNoMore: whoever called a file its own, and does not any more, hides it
// no longer.
func TestAFileNamedNoMore(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		file := "https://a.test/o.properties"
		if err := s.Put(t.Context(), Hoster{Author: Author{Key: file, Source: FromFile, Heard: 1}, Name: "A"}, []Service{{Slug: "pad", Name: "Pad"}}); err != nil {
			t.Fatal(err)
		}
		at := core.At(time.Unix(1_800_000_000, 0))
		for i, c := range []struct {
			file string
			want int
		}{{file, 0}, {"", 1}, {file, 0}} {
			at = at.Add(IndexPause + time.Second)
			if err := s.PutHoster(t.Context(), Hoster{Author: Author{Key: "a.test", Source: FromLog, Heard: at}, Name: "A", File: c.file}); err != nil {
				t.Fatal(err)
			}
			if got := hosters(t, s, "pad"); got != c.want {
				t.Errorf("%d: %d services are shown, want %d", i, got, c.want)
			}
		}
	})
}

// TestWhoCannotBeIndexedStarvesNobody: however many authors fail, the others have their turn,
// and the failures are told.
func TestWhoCannotBeIndexedStarvesNobody(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		at := core.At(time.Unix(1_800_000_000, 0))
		author := func(key string) Author { return Author{Key: key, Source: FromLog, Said: at, Heard: at} }
		must(t, s.Put(t.Context(), Hoster{Author: author("good.test"), Name: "good"}, []Service{{Slug: "pad", Name: "Pad"}}))
		mark := func(key, listing string, indexed int) {
			t.Helper()
			_, err := s.db.ExecContext(t.Context(), `UPDATE directory_hoster SET stale = 1, indexed_us = $2, listing = CASE WHEN $3 = '' THEN listing ELSE $3 END WHERE key = $1`, key, indexed, listing)
			must(t, err)
		}
		for i := range indexAtOnce + 1 {
			key := fmt.Sprintf("bad-%d.test", i)
			must(t, s.PutHoster(t.Context(), Hoster{Author: author(key), Name: key}))
			mark(key, "no listing", 1)
		}
		mark("good.test", "", 2)
		_, err := s.db.ExecContext(t.Context(), `DELETE FROM directory_word`)
		must(t, err)
		for range 2 {
			if err := s.Index(t.Context(), at); err == nil {
				t.Error("nobody is told")
			}
			at = at.Add(30 * time.Second)
		}
		if hosters(t, s, "good") != 1 {
			t.Error("those who fail starve the others")
		}
	})
}
