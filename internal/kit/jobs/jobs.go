// Package jobs runs a node's periodic work. A job that fails or panics is logged
// and tried again; it never ends the node.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// Job is one piece of periodic work.
type Job struct {
	// Name is for logs, "vault-seal".
	Name string
	// Every is the pause between the end of one run and the start of the next;
	// zero runs again at once, for a job that waits by itself.
	Every time.Duration
	// Jitter adds up to this much, at random, to each pause, so that members do
	// not all call at the same second.
	Jitter time.Duration
	// Later skips the first run at the start.
	Later bool
	Run   func(ctx context.Context) error
}

// maxBackoff bounds the pause after repeated failures of a job that has no pause
// of its own.
const maxBackoff = time.Minute

// Run runs all jobs until ctx ends, then waits for them to stop.
func Run(ctx context.Context, log *slog.Logger, all []Job) {
	var running sync.WaitGroup
	for _, job := range all {
		running.Go(func() { job.loop(ctx, log) })
	}
	running.Wait()
}

func (j Job) loop(ctx context.Context, log *slog.Logger) {
	failures := 0
	wait := time.Duration(0)
	if j.Later {
		wait = j.pause(0)
	}
	for sleep(ctx, wait) {
		err := j.once(ctx)
		if ctx.Err() != nil {
			return // whatever it says, it was told to stop
		}
		if err != nil {
			failures++
			log.Warn("job failed", "job", j.Name, "failures", failures, "error", err)
		} else {
			failures = 0
		}
		wait = j.pause(failures)
	}
}

// pause is how long to wait, longer after each failure in a row.
func (j Job) pause(failures int) time.Duration {
	wait := j.Every
	if failures > 0 {
		wait = max(wait, min(maxBackoff, time.Second<<min(failures, 6)))
	}
	if j.Jitter > 0 {
		wait += rand.N(j.Jitter) //nolint:gosec // spreading load wants no secrecy
	}
	return wait
}

func (j Job) once(ctx context.Context) (err error) {
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("panic: %v\n%s", bug, debug.Stack())
		}
	}()
	return j.Run(ctx)
}

// sleep says false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
