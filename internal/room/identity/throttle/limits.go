package throttle

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	networkBurst = 30              // guesses of one network at once
	networkEvery = 6 * time.Second // and then one in so long
	globalBurst  = 300             // guesses of all unknown browsers at once
	globalEvery  = 50 * time.Millisecond
	maxNetworks  = 10_000 // that are remembered at a time
)

// limits are the bounds that are kept in memory. The zero value is ready.
type limits struct {
	mu       sync.Mutex
	networks map[netip.Prefix]*list.Element // of *bucket
	order    list.List                      // the one used last is in front
	all      *rate.Limiter
}

type bucket struct {
	of netip.Prefix
	*rate.Limiter
}

// network takes one guess of a network; wait is how long until it has one.
func (l *limits) network(p netip.Prefix, now time.Time) (wait time.Duration) {
	if !p.IsValid() {
		return 0 // behind a proxy that tells us nothing
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.networks[p]
	if e == nil {
		if l.networks == nil {
			l.networks = map[netip.Prefix]*list.Element{}
		}
		if len(l.networks) >= maxNetworks {
			oldest := l.order.Back()
			l.order.Remove(oldest)
			delete(l.networks, oldest.Value.(*bucket).of) //nolint:errcheck // nothing else is in the list
		}
		e = l.order.PushFront(&bucket{p, rate.NewLimiter(rate.Every(networkEvery), networkBurst)})
		l.networks[p] = e
	}
	l.order.MoveToFront(e)
	return take(e.Value.(*bucket).Limiter, now) //nolint:errcheck // nothing else is in the list
}

// everybody takes one guess of all networks together.
func (l *limits) everybody(now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = rate.NewLimiter(rate.Every(globalEvery), globalBurst)
	}
	return take(l.all, now)
}

func take(l *rate.Limiter, now time.Time) time.Duration {
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
