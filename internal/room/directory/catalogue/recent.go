package catalogue

import (
	"fmt"
	"sync"
	"time"
)

const (
	// manyFound is from how many services on a list is worth remembering; a smaller one
	// is read each time.
	manyFound = 2_000
	// recentLives is how long it is then given again: pages are turned, and most visitors
	// ask the same.
	recentLives = time.Minute
	// oldLives is how long it is given to others while one visitor waits for a new one.
	oldLives = 10 * time.Minute
	// recentNumbers bounds all that is remembered, in numbers of services: 16 MB.
	recentNumbers = 2_000_000
)

// recent remembers large lists of services. The zero value is ready.
type recent struct {
	sync.Mutex
	lists   map[string]remembered
	making  map[string]bool
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

// list is what read says, or what it said within recentLives of now when that was much.
// The list is shared, and not to be changed. Nothing is remembered for the zero time.
func (r *recent) list(now time.Time, key string, read func() ([]int64, error)) ([]int64, error) {
	if now.IsZero() {
		return read()
	}
	ids, state := r.get(now, key)
	if state == isNew || state == isOld && !r.claim(key) {
		return ids, nil
	}
	if state == isOld {
		defer r.release(key)
	}
	ids, err := read()
	if err == nil {
		r.put(now, key, ids)
	}
	return ids, err
}

// How a list stands.
const (
	isNone = iota
	isOld
	isNew
)

func (r *recent) get(now time.Time, key string) ([]int64, int) {
	r.Lock()
	defer r.Unlock()
	had, ok := r.lists[key]
	switch age := now.Sub(had.at); {
	case !ok, age < 0, age >= oldLives:
		return nil, isNone
	case age >= recentLives:
		return had.ids, isOld
	}
	return had.ids, isNew
}

// claim says that nobody else is making this list.
func (r *recent) claim(key string) bool {
	r.Lock()
	defer r.Unlock()
	if r.making == nil {
		r.making = map[string]bool{}
	}
	was := r.making[key]
	r.making[key] = true
	return !was
}

func (r *recent) release(key string) {
	r.Lock()
	defer r.Unlock()
	delete(r.making, key)
}

// put remembers a large list, and forgets what is too old, or all when it is too much.
func (r *recent) put(now time.Time, key string, ids []int64) {
	r.Lock()
	defer r.Unlock()
	for k, had := range r.lists {
		if age := now.Sub(had.at); age < 0 || age >= oldLives || k == key {
			r.numbers -= len(had.ids)
			delete(r.lists, k)
		}
	}
	if len(ids) < manyFound || len(ids) > recentNumbers {
		return
	}
	if r.lists == nil || r.numbers+len(ids) > recentNumbers {
		r.lists, r.numbers = map[string]remembered{}, 0
	}
	r.lists[key] = remembered{ids, now}
	r.numbers += len(ids)
}
