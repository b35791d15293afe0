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
	making sync.Mutex // held by who makes a new one
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
// While one makes it, the others get the last.
func (r *Doctor) publicOf(ctx context.Context, age time.Duration) (Report, error) {
	p := &r.Cached
	if report, fresh, _ := p.at(r.n.Now(), age); fresh {
		return report, nil
	}
	if !p.making.TryLock() {
		if report, _, made := p.at(r.n.Now(), age); made {
			return report, nil
		}
		p.making.Lock() // there is none yet
	}
	defer p.making.Unlock()
	now := r.n.Now()
	if report, fresh, _ := p.at(now, age); fresh {
		return report, nil // somebody made it while we waited
	}
	report, err := r.Status(ctx, "")
	if err != nil {
		return report, err
	}
	p.Lock()
	defer p.Unlock()
	p.report, p.Made = report, now
	p.Took = r.n.Now().Sub(now)
	return report, nil
}

// at answers the last report, whether it is younger than that, and whether there is one.
func (c *Cached) at(now time.Time, age time.Duration) (report Report, fresh, made bool) {
	c.Lock()
	defer c.Unlock()
	return c.report, !c.Made.IsZero() && now.Sub(c.Made) < age && !c.Made.After(now), !c.Made.IsZero()
}
