package subscribe

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	perVisitor = 6 // requests at once, and an hour
	maxGates   = 10_000
)

// gate counts requests by where they come from, in memory, for an hour.
type gate struct {
	mu   sync.Mutex
	from time.Time
	by   map[string]*rate.Limiter
}

func (g *gate) admit(from string, now time.Time) bool {
	if from == "" {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil || now.Sub(g.from) > time.Hour || len(g.by) >= maxGates {
		g.by, g.from = map[string]*rate.Limiter{}, now
	}
	l := g.by[from]
	if l == nil {
		l = rate.NewLimiter(rate.Every(time.Hour/perVisitor), perVisitor)
		g.by[from] = l
	}
	return l.AllowN(now, 1)
}

// network is where a request comes from, as wide as one household: /24 or /48.
func network(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || at.Addr().IsLoopback() {
		return "" // behind our own proxy; the bounds for all hold
	}
	bits := 24
	if at.Addr().Unmap().Is6() {
		bits = 48
	}
	p, err := at.Addr().Unmap().Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
