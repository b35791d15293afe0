package provider

import (
	"context"
	"sync"

	"entrechat/internal/core"
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
