package catalogue

import (
	"testing"
	"time"
)

// TestRecent: a large result is given again for a minute, to the same question of the
// same day only, and never more than is bearable.
func TestRecent(t *testing.T) {
	var r recent
	day := time.Unix(1_800_000_000, 0)
	q := Query{Text: "pad", Day: day}
	r.put(q, make([]int64, manyFound-1))
	if _, ok := r.get(q); ok {
		t.Error("a small result is remembered")
	}
	r.put(q, make([]int64, manyFound))
	for name, c := range map[string]struct {
		q    Query
		want bool
	}{
		"the same":         {q, true},
		"another page":     {Query{Text: "pad", Day: day, Page: 3}, true},
		"a moment later":   {Query{Text: "pad", Day: day.Add(59 * time.Second)}, true},
		"a minute later":   {Query{Text: "pad", Day: day.Add(recentLives)}, false},
		"before":           {Query{Text: "pad", Day: day.Add(-time.Second)}, false},
		"another question": {Query{Text: "pad", Open: true, Day: day}, false},
		"of one hoster":    {Query{Text: "pad", Hosters: []string{"a"}, Day: day}, false},
		"another day":      {Query{Text: "pad", Day: day.AddDate(0, 0, 1)}, false},
	} {
		if ids, ok := r.get(c.q); ok != c.want || ok && len(ids) != manyFound {
			t.Errorf("%s: %d, %v", name, len(ids), ok)
		}
	}
	for i := range 2 * recentNumbers / 100_000 {
		r.put(Query{Software: string(rune('a' + i)), Day: day}, make([]int64, 100_000))
		sum := 0
		for _, had := range r.results {
			sum += len(had.ids)
		}
		if sum != r.numbers || sum > recentNumbers {
			t.Fatalf("%d numbers are remembered, %d are counted", sum, r.numbers)
		}
	}
	if r.put(Query{Day: day.Add(time.Hour)}, make([]int64, manyFound)); r.numbers != manyFound {
		t.Errorf("%d numbers, the old ones stayed", r.numbers)
	}
}
