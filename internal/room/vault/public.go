package vault

import (
	"context"
	"sync"
	"time"
)

const (
	// publicEvery is how often the report for strangers is made anew, at most.
	publicEvery = 15 * time.Second
	// publicShare is which part of the time making it may take: one in so many.
	publicShare = 50
	// publicFor is how old it may be before a stranger's request makes it.
	publicFor = 10 * time.Minute
)

// public is the last report, for pages that anybody may call: a report reads the whole
// catalogue. The zero value has none.
type public struct {
	sync.Mutex
	report Report
	made   time.Time
	took   time.Duration
}

// Public answers a report of the last seconds, on large backups of the last minutes.
// Asking costs nothing while the node runs.
func (r *Room) Public(ctx context.Context) (Report, error) { return r.publicOf(ctx, publicFor) }

// keepPublic is the job that makes it.
func (r *Room) keepPublic(ctx context.Context) error {
	r.public.Lock()
	age := max(publicEvery, publicShare*r.public.took) - time.Second // the clock of jobs jitters
	r.public.Unlock()
	_, err := r.publicOf(ctx, age)
	return err
}

// publicOf answers the report, made anew by one caller at a time when it is as old as that.
func (r *Room) publicOf(ctx context.Context, age time.Duration) (Report, error) {
	p := &r.public
	p.Lock()
	defer p.Unlock()
	now := r.n.Now()
	if !p.made.IsZero() && now.Sub(p.made) < age && !p.made.After(now) {
		return p.report, nil
	}
	report, err := r.Status(ctx, "")
	if err != nil {
		return report, err
	}
	p.report, p.made = report, now
	p.took = r.n.Now().Sub(now)
	return report, nil
}
