package health

import (
	"context"
	"sync"
	"time"
)

const (
	// PublicEvery is how often the report for strangers is made anew, at most.
	PublicEvery = 15 * time.Second
	// PublicShare is which part of the time making it may take: one in so many.
	PublicShare = 50
	// PublicFor is how old it may be before a stranger's request makes it.
	PublicFor = 10 * time.Minute
)

// Cached is the last report, for pages that anybody may call: a report reads the whole
// catalogue. The zero value has none.
type Cached struct {
	sync.Mutex
	report Report
	Made   time.Time
	Took   time.Duration
}

// Public answers a report of the last seconds, on large backups of the last minutes.
// Asking costs nothing while the node runs.
func (r *Doctor) Public(ctx context.Context) (Report, error) { return r.publicOf(ctx, PublicFor) }

// KeepPublic is the job that makes it.
func (r *Doctor) KeepPublic(ctx context.Context) error {
	r.Cached.Lock()
	age := max(PublicEvery, PublicShare*r.Cached.Took) - time.Second // the clock of jobs jitters
	r.Cached.Unlock()
	_, err := r.publicOf(ctx, age)
	return err
}

// publicOf answers the report, made anew by one caller at a time when it is as old as that.
func (r *Doctor) publicOf(ctx context.Context, age time.Duration) (Report, error) {
	p := &r.Cached
	p.Lock()
	defer p.Unlock()
	now := r.n.Now()
	if !p.Made.IsZero() && now.Sub(p.Made) < age && !p.Made.After(now) {
		return p.report, nil
	}
	report, err := r.Status(ctx, "")
	if err != nil {
		return report, err
	}
	p.report, p.Made = report, now
	p.Took = r.n.Now().Sub(now)
	return report, nil
}
