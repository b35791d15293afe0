package provider

import (
	"context"
	"sync"
	"sync/atomic"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/client"
)

// counter knows about how many flows wait, without asking for each.
type counter struct {
	mu     sync.Mutex
	count  int64
	looked core.Moment
}

// recount is how long a count is believed, in microseconds; what is added meanwhile counts.
const recount = core.Moment(5e6)

// room says whether one more flow may wait, and counts it.
func (c *counter) room(ctx context.Context, p *Provider) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := p.now(); now-c.looked >= recount || now < c.looked {
		n, err := countFlows(ctx, p.n.DB, now)
		if err != nil {
			return true // the write that follows meets the same trouble, and says it
		}
		c.count, c.looked = n, now
	}
	c.count++
	return c.count <= maxFlows
}

// counts are how much was handed out, and how services were told of sign-outs.
type counts struct{ codes, access, refresh, told, put, dropped atomic.Int64 }

// Counts are numbers since the process began.
type Counts struct {
	Codes, Access, Refresh int64 // handed out
	// Told are sign-outs that a service took, Put those it did not take at a try, Dropped those
	// that were given up after a day.
	Told, Put, Dropped int64
}

// Counts says how much was handed out, and how services were told of sign-outs.
func (p *Provider) Counts() Counts {
	c := &p.counts
	return Counts{c.codes.Load(), c.access.Load(), c.refresh.Load(), c.told.Load(), c.put.Load(), c.dropped.Load()}
}

// count notes what a request's work handed out, once it is written.
func (p *Provider) count(k *work) {
	if k.grant != nil && k.kept && !k.loaded {
		p.counts.codes.Add(1)
	}
	if k.token != nil && !k.known {
		p.counts.access.Add(1)
		if k.grant != nil && k.grant.RefreshToken != "" {
			p.counts.refresh.Add(1)
		}
	}
}

// Waiting are the sign-outs that one client was not told yet.
type Waiting struct {
	Client string
	Count  int64
	Since  core.Moment // when the oldest was made
}

// Waiting lists them by client, the one that waits longest first.
func (p *Provider) Waiting(ctx context.Context) ([]Waiting, error) {
	return waitingLogouts(ctx, p.n.DB)
}

// services keeps the services of ours that were asked for last: each sign-in asks four times.
// A change by the command line counts within fresh.
type services struct {
	mu   sync.Mutex
	kept map[string]service
}

type service struct {
	client.Client

	read core.Moment
}

const (
	fresh       = core.Moment(2e6) // microseconds
	maxServices = 1000
)

func (s *services) get(ctx context.Context, p *Provider, id string) (client.Client, error) {
	now := p.now()
	s.mu.Lock()
	one, ok := s.kept[id]
	s.mu.Unlock()
	if ok && now-one.read < fresh && now >= one.read {
		return one.Client, nil
	}
	c, err := client.Get(ctx, p.n.DB, id)
	if err != nil {
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || len(s.kept) >= maxServices {
		s.kept = map[string]service{}
	}
	s.kept[id] = service{c, now}
	return c, nil
}
