package provider

import (
	"context"
	"sync"

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
