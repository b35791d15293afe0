package catalogue

import (
	"fmt"
	"sync"
	"time"
)

const (
	// manyFound is from how many services on a result is worth remembering; a smaller one
	// is looked for each time.
	manyFound = 2_000
	// recentLives is how long it is then given again: pages are turned, and most visitors
	// ask the same.
	recentLives = time.Minute
	// recentNumbers bounds all that is remembered, in numbers of services: 16 MB.
	recentNumbers = 2_000_000
)

// recent remembers large results, in the order of their day. The zero value is ready.
type recent struct {
	sync.Mutex
	results map[string]remembered
	numbers int
}

type remembered struct {
	ids []int64
	at  time.Time
}

// keyOf is a query without its page.
func keyOf(q Query) string {
	q.Page, q.Day = 0, time.Unix(turnOf(q.Day), 0)
	return fmt.Sprintf("%#v", q)
}

// get is what was found a moment ago; it is shared, and not to be changed.
func (r *recent) get(q Query) ([]int64, bool) {
	r.Lock()
	defer r.Unlock()
	had, ok := r.results[keyOf(q)]
	age := q.Day.Sub(had.at)
	return had.ids, ok && age >= 0 && age < recentLives
}

// put remembers a large result, and forgets what is too old, or all when it is too much.
func (r *recent) put(q Query, ids []int64) {
	if q.Day.IsZero() || len(ids) < manyFound || len(ids) > recentNumbers {
		return
	}
	r.Lock()
	defer r.Unlock()
	for key, had := range r.results {
		if age := q.Day.Sub(had.at); age < 0 || age >= recentLives || key == keyOf(q) {
			r.numbers -= len(had.ids)
			delete(r.results, key)
		}
	}
	if r.results == nil || r.numbers+len(ids) > recentNumbers {
		r.results, r.numbers = map[string]remembered{}, 0
	}
	r.results[keyOf(q)] = remembered{ids, q.Day}
	r.numbers += len(ids)
}
