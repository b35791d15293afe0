package warning

import (
	"context"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Alerts tells people; alert.Service is one.
type Alerts interface {
	Tell(ctx context.Context, n delivery.Notice) error
	Absorb(ctx context.Context, owner core.MemberID, incident string, at core.Moment) error
}

// Needs is what warnings are made of; all of it is required.
type Needs struct {
	Targets *target.Known
	Self    core.MemberID
	Alerts  Alerts
	// Lasting are the notices of a kind that are not over, as delivery.Lasting answers.
	Lasting func(ctx context.Context, kind delivery.Kind) ([]delivery.Standing, error)
	// Age looks at a backup that we store, and says when the newest one was finished, as
	// freshness.Looker does.
	Age func(ctx context.Context, t target.Target) (look.Result, core.Moment)
	Now func() time.Time
}

// Warnings finds what people are warned of. Safe for concurrent use.
type Warnings struct {
	n    Needs
	wake chan struct{} // another certificate was seen

	mu    sync.Mutex
	last  map[string]look.Result  // by target: our newest look, or the newest that saw a certificate
	since map[watched]core.Moment // since when we see a backup too old; of Backups alone
}

// New makes it; its Jobs do the work.
func New(n Needs) *Warnings {
	return &Warnings{n: n, wake: make(chan struct{}, 1), last: map[string]look.Result{}, since: map[watched]core.Moment{}}
}

// Jobs look for what people are warned of.
func (w *Warnings) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-certificates", Run: w.wait},
		{Name: "watch-backups", Every: 10 * time.Minute, Jitter: time.Minute, Run: w.Backups},
	}
}
