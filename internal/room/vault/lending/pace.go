package lending

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
)

// paceBurst is what may come at once before a pace is felt, in bytes.
const paceBurst = 64 << 10

// paces hold what each owner sends, all its uploads together, to the bits per
// second of its pact. Reads have none: a restore is no time to save bandwidth.
type paces struct {
	mu sync.Mutex
	by map[core.MemberID]*rate.Limiter
}

// reader slows a body down to bits per second; 0 is no limit.
func (p *paces) reader(ctx context.Context, who core.MemberID, bits int64, body io.Reader) io.Reader {
	if bits <= 0 {
		return body
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := rate.Limit(float64(bits) / 8)
	l := p.by[who]
	switch {
	case l == nil:
		l = rate.NewLimiter(limit, paceBurst)
		p.by[who] = l
	case l.Limit() != limit:
		l.SetLimit(limit)
	}
	return paced{ctx, body, l}
}

type paced struct {
	ctx     context.Context //nolint:containedctx // a reader has no other way to learn of it
	body    io.Reader
	limiter *rate.Limiter
}

// Read implements io.Reader.
func (p paced) Read(b []byte) (int, error) {
	n, err := p.body.Read(b[:min(len(b), paceBurst)])
	if n > 0 {
		if werr := p.limiter.WaitN(p.ctx, n); werr != nil {
			return n, busy("the pact's rate leaves no time: " + werr.Error())
		}
	}
	return n, err
}

// readsPerDay is how many bytes one member has read here within a day that it does not
// have to receive, by audits and by sending again what is here.
const readsPerDay = 16 << 30

// budgets hold what is read for each member to readsPerDay.
type budgets struct {
	mu sync.Mutex
	by map[core.MemberID]*rate.Limiter
}

// spend takes n bytes from the day's budget of the member. Returns CodeUnsure (vault.busy):
// it is told to come back later, which is no fault of the shard.
func (v view) spend(n int64) error {
	v.budgets.mu.Lock()
	defer v.budgets.mu.Unlock()
	l := v.budgets.by[v.who]
	if l == nil {
		l = rate.NewLimiter(readsPerDay/(24*60*60), readsPerDay)
		v.budgets.by[v.who] = l
	}
	if !l.AllowN(v.n.Now(), int(n)) {
		return busy(fmt.Sprintf("%s has had %d bytes read today", v.who, readsPerDay))
	}
	return nil
}
