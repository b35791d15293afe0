package site

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// memo is an answer that costs too much to be made for each visitor: it is made
// anew by the first who asks after it has lived its time, and while that goes on
// everybody else gets the last one. Safe for concurrent use.
type memo[T any] struct {
	lives time.Duration
	make  func(ctx context.Context) (T, error)

	making sync.Mutex
	last   atomic.Pointer[dated[T]]
}

// dated is a value and when it was made.
type dated[T any] struct {
	value T
	made  time.Time
}

// at answers what is known at a moment. An error is forgotten.
func (k *memo[T]) at(ctx context.Context, now time.Time) (dated[T], error) {
	last := k.last.Load()
	fresh := func() bool { return last != nil && now.Sub(last.made) < k.lives }
	if fresh() {
		return *last, nil
	}
	if last == nil {
		k.making.Lock()
	} else if !k.making.TryLock() {
		return *last, nil
	}
	defer k.making.Unlock()
	if last = k.last.Load(); fresh() {
		return *last, nil // somebody made it while we waited
	}
	// A visitor who leaves does not spoil the answer for those who wait for it.
	value, err := k.make(context.WithoutCancel(ctx))
	if err != nil {
		return dated[T]{}, err
	}
	k.last.Store(&dated[T]{value, now})
	return dated[T]{value, now}, nil
}

// forget has the next who asks make it anew.
func (k *memo[T]) forget() { k.last.Store(nil) }
