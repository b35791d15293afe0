package mirror

import (
	"context"
	"sync"
	"time"

	"entrechat/internal/core"
)

const (
	// taskTime is the end of all work with one member in one round. What came until
	// then is kept, and the next round goes on from there.
	taskTime = 10 * time.Minute
	// taskTurn is how long one member is waited for before the next one is asked
	// beside it: asked one after the other they need not send the same twice.
	taskTurn = 2 * time.Second
	// maxTasks bounds how many members are worked with at once.
	maxTasks = 64
)

// tasks are pieces of work with members, side by side, one at a time with each
// member: who is slow makes nobody else wait.
type tasks struct {
	wait    time.Duration // a round waits so long for the last ones; they go on behind it
	mu      sync.Mutex
	busy    map[core.MemberID]bool
	running sync.WaitGroup
}

// start begins work with a member, unless the last work with it goes on still, or too
// many are busy. done is closed at its end; nil when it did not begin.
func (e *tasks) start(ctx context.Context, id core.MemberID, work func(ctx context.Context)) (done <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy[id] || len(e.busy) >= maxTasks {
		return nil
	}
	if e.busy == nil {
		e.busy = map[core.MemberID]bool{}
	}
	e.busy[id] = true
	end := make(chan struct{})
	e.running.Go(func() {
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.busy, id)
			close(end)
		}()
		ctx, cancel := context.WithTimeout(ctx, taskTime)
		defer cancel()
		work(ctx)
	})
	return end
}

// round works with members: each begins when the one before is through or has had its
// turn of so long. It returns when all are through, or the last ones have been waited for, or
// ctx ended; all says whether none was left behind.
func (e *tasks) round(ctx context.Context, ids []core.MemberID, turn time.Duration, work func(ctx context.Context, number int)) (all bool) {
	begun := make([]<-chan struct{}, 0, len(ids))
	all = true
	for i, id := range ids {
		done := e.start(ctx, id, func(ctx context.Context) { work(ctx, i) })
		if done == nil {
			all = false
			continue
		}
		begun = append(begun, done)
		if turn > 0 && i < len(ids)-1 {
			waitFor(ctx, turn, done)
		}
	}
	end := time.Now().Add(e.wait)
	for _, done := range begun {
		all = waitFor(ctx, time.Until(end), done) && all
	}
	return all
}

// waitFor waits for done for so long.
func waitFor(ctx context.Context, d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	select {
	case <-done: // both were ready
		return true
	default:
		return false
	}
}

// finish is a job that ends with the node, once every task has: they use the
// database, which is closed then.
func (e *tasks) finish(ctx context.Context) error {
	<-ctx.Done()
	e.running.Wait()
	return ctx.Err()
}

// SideBySide runs work on every item at once and returns when all ended, each within
// a time of its own.
func SideBySide[T any](ctx context.Context, items []T, each time.Duration, work func(ctx context.Context, item T)) {
	var group sync.WaitGroup
	for _, item := range items {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, each)
			defer cancel()
			work(ctx, item)
		})
	}
	group.Wait()
}
