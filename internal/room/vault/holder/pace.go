package holder

import (
	"context"
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
