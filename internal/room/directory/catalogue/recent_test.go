package catalogue

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestRecent: a large list is given again for a minute, to the same question of the same
// day only, and never more is held than is bearable.
func TestRecent(t *testing.T) {
	var r recent
	day := time.Unix(1_800_000_000, 0)
	ask := func(q Query, size int) (read bool) {
		t.Helper()
		_, err := r.list(q.Day, keyOf(q), func() ([]int64, error) {
			read = true
			return make([]int64, size), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	q := Query{Text: "pad", Day: day}
	if ask(q, manyFound-1); !ask(q, manyFound) {
		t.Error("a small list was remembered")
	}
	for name, c := range map[string]struct {
		q    Query
		read bool
	}{
		"the same":         {q, false},
		"another page":     {Query{Text: "pad", Day: day, Page: 3}, false},
		"a moment later":   {Query{Text: "pad", Day: day.Add(59 * time.Second)}, false},
		"another question": {Query{Text: "pad", Open: true, Day: day}, true},
		"of one hoster":    {Query{Text: "pad", Hosters: []string{"a"}, Day: day}, true},
		"another day":      {Query{Text: "pad", Day: day.AddDate(0, 0, 1)}, true},
		"no day":           {Query{Text: "pad"}, true},
	} {
		if read := ask(c.q, 1); read != c.read {
			t.Errorf("%s: read %v", name, read)
		}
		ask(q, manyFound)
	}
	// After a minute one asker waits for a new list; whoever asks meanwhile gets the last.
	later := day.Add(2 * recentLives)
	if _, err := r.list(later, keyOf(q), func() ([]int64, error) {
		if ids, err := r.list(later, keyOf(q), func() ([]int64, error) { return nil, errors.New("read twice") }); err != nil || len(ids) != manyFound {
			t.Errorf("%d, %v", len(ids), err)
		}
		return nil, errors.New("the disk is away")
	}); err == nil {
		t.Error("a failure was hidden")
	}
	if !ask(Query{Text: "pad", Day: later}, manyFound) {
		t.Error("who failed is still waited for")
	}
	for i := range 2 * recentNumbers / 100_000 {
		ask(Query{Software: fmt.Sprint(i), Day: later}, 100_000)
		sum := 0
		for _, had := range r.lists {
			sum += len(had.ids)
		}
		if sum != r.numbers || sum > recentNumbers {
			t.Fatalf("%d numbers are remembered, %d are counted", sum, r.numbers)
		}
	}
	if ask(Query{Day: later.Add(time.Hour)}, manyFound); r.numbers != manyFound {
		t.Errorf("%d numbers, the old ones stayed", r.numbers)
	}
}
