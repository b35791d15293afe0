package catalogue

import (
	"context"
	"errors"
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
	making  map[string]*making
	numbers int
}

type remembered struct {
	ids []int64
	at  time.Time
}

// making is a list that somebody reads just now.
type making struct {
	done chan struct{} // closed when it is read
	ids  []int64
	err  error
}

// keyOf is a query without its page.
func keyOf(q Query) string {
	q.Page, q.Day = 0, time.Unix(turnOf(q.Day), 0)
	return fmt.Sprintf("%#v", q)
}

// list is what read says, or what it said within recentLives of now when that was much.
// While one asker reads, others who ask the same get the last list, or wait for the new one.
// The list is shared, and not to be changed. Nothing is remembered for the zero time.
func (r *recent) list(ctx context.Context, now time.Time, key string, read func() ([]int64, error)) ([]int64, error) {
	if now.IsZero() {
		return read()
	}
	for {
		ids, state := r.get(now, key)
		if state == isNew {
			return ids, nil
		}
		m, ours := r.claim(key)
		if ours {
			return r.make(now, key, m, read)
		}
		if state == isOld {
			return ids, nil
		}
		select {
		case <-m.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !errors.Is(m.err, context.Canceled) && !errors.Is(m.err, context.DeadlineExceeded) {
			return m.ids, m.err
		} // who read it left: the next one does
	}
}

// make reads a list that we claimed, and gives it to those who wait.
func (r *recent) make(now time.Time, key string, m *making, read func() ([]int64, error)) ([]int64, error) {
	m.err = context.Canceled // a panic leaves it so
	defer r.release(key, m)
	if m.ids, m.err = read(); m.err == nil {
		r.put(now, key, m.ids)
	}
	return m.ids, m.err
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

// claim is who makes this list, and whether that is us.
func (r *recent) claim(key string) (m *making, ours bool) {
	r.Lock()
	defer r.Unlock()
	if m := r.making[key]; m != nil {
		return m, false
	}
	if r.making == nil {
		r.making = map[string]*making{}
	}
	m = &making{done: make(chan struct{})}
	r.making[key] = m
	return m, true
}

func (r *recent) release(key string, m *making) {
	r.Lock()
	defer r.Unlock()
	delete(r.making, key)
	close(m.done)
}

// put remembers a large list, and forgets what is too old, and the oldest while it is too
// much.
func (r *recent) put(now time.Time, key string, ids []int64) {
	r.Lock()
	defer r.Unlock()
	for k, had := range r.lists {
		if age := now.Sub(had.at); age < 0 || age >= oldLives || k == key {
			r.forget(k)
		}
	}
	if len(ids) < manyFound || len(ids) > recentNumbers {
		return
	}
	for r.numbers+len(ids) > recentNumbers {
		r.forget(r.oldest())
	}
	if r.lists == nil {
		r.lists = map[string]remembered{}
	}
	r.lists[key] = remembered{ids, now}
	r.numbers += len(ids)
}

func (r *recent) forget(key string) {
	r.numbers -= len(r.lists[key].ids)
	delete(r.lists, key)
}

// oldest is the key of the list that was read first.
func (r *recent) oldest() (key string) {
	var at time.Time
	for k, had := range r.lists {
		if at.IsZero() || had.at.Before(at) {
			key, at = k, had.at
		}
	}
	return key
}
