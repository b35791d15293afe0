package throttle

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Meter bounds how often strangers make us ask others: each network so many times at once and
// then once in Every, and all of them together.
type Meter struct {
	Burst, AllBurst int
	Every, AllEvery time.Duration

	mu       sync.Mutex
	networks map[netip.Prefix]*rate.Limiter
	all      *rate.Limiter
}

// Take says whether a network may once more. The zero prefix is who came by a proxy that
// says nothing: only the bound of all holds for it.
func (m *Meter) Take(from netip.Prefix, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil || len(m.networks) >= maxNetworks {
		m.networks = map[netip.Prefix]*rate.Limiter{}
	}
	if m.all == nil {
		m.all = rate.NewLimiter(rate.Every(m.AllEvery), m.AllBurst)
	}
	if from.IsValid() {
		one := m.networks[from]
		if one == nil {
			one = rate.NewLimiter(rate.Every(m.Every), m.Burst)
			m.networks[from] = one
		}
		if !one.AllowN(now, 1) {
			return false
		}
	}
	return m.all.AllowN(now, 1)
}
