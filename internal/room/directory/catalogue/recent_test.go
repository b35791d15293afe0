package catalogue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestRecent: a large list is given again for a minute, to the same question of the same
// day only, and never more is held than is bearable.
func TestRecent(t *testing.T) {
	var r recent
	day := time.Unix(1_800_000_000, 0)
	ask := func(q Query, size int) (read bool) {
		t.Helper()
		_, err := r.list(t.Context(), q.Day, keyOf(q), func() ([]int64, error) {
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
	if _, err := r.list(t.Context(), later, keyOf(q), func() ([]int64, error) {
		if ids, err := r.list(t.Context(), later, keyOf(q), func() ([]int64, error) { return nil, errors.New("read twice") }); err != nil || len(ids) != manyFound {
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

// TestRecentForgetsTheOldest: over the bound only as much is forgotten as is needed.
func TestRecentForgetsTheOldest(t *testing.T) {
	var r recent
	now := time.Unix(1_800_000_000, 0)
	put := func(key string) {
		t.Helper()
		now = now.Add(time.Second)
		if _, err := r.list(t.Context(), now, key, func() ([]int64, error) { return make([]int64, recentNumbers/4), nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		put(key)
	}
	if got := slices.Sorted(maps.Keys(r.lists)); !slices.Equal(got, []string{"b", "c", "d", "e"}) || r.numbers != recentNumbers {
		t.Errorf("%v, %d numbers", got, r.numbers)
	}
}

// TestRecentHasOneMaker: who asks what another reads just now waits for that, also when
// nothing is remembered; when that one leaves, the next one reads.
func TestRecentHasOneMaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recent
		var reads atomic.Int32
		goOn := make(chan error)
		read := func() ([]int64, error) {
			reads.Add(1)
			return []int64{7}, <-goOn
		}
		errs := make(chan error, 6)
		ask := func(ctx context.Context) {
			ids, err := r.list(ctx, time.Now(), "pad", read)
			if err == nil && !slices.Equal(ids, []int64{7}) {
				err = fmt.Errorf("%v", ids)
			}
			errs <- err
		}
		for range 5 {
			go ask(t.Context())
		}
		impatient, leave := context.WithCancel(t.Context())
		synctest.Wait() // one of the five reads
		go ask(impatient)
		synctest.Wait()
		if reads.Load() != 1 {
			t.Errorf("%d read the same at once", reads.Load())
		}
		leave()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who left still waits: %v", err)
		}
		goOn <- context.Canceled
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if reads.Load() != 2 {
			t.Errorf("%d reads after the first reader left", reads.Load())
		}
		goOn <- nil
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if reads.Load() != 2 || len(r.making) != 0 {
			t.Errorf("%d reads, %d still being made", reads.Load(), len(r.making))
		}
	})
}
