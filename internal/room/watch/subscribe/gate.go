package subscribe

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/kit/peer"
)

const (
	perVisitor = 6  // requests at once, and an hour
	perDomain  = 60 // mails at once, and an hour, to one mail domain
	maxGates   = 10_000
)

// gate counts by a name, in memory, and forgets all after a while.
type gate struct {
	mu   sync.Mutex
	from time.Time
	by   map[string]*rate.Limiter
}

// allowance is so many at once, and again within a time, which is how long a gate remembers.
type allowance struct {
	many   int
	within time.Duration
}

func (g *gate) admit(name string, a allowance, now time.Time) bool {
	if name == "" {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil || now.Sub(g.from) > a.within || len(g.by) >= maxGates {
		g.by, g.from = map[string]*rate.Limiter{}, now
	}
	l := g.by[name]
	if l == nil {
		l = rate.NewLimiter(rate.Every(a.within/time.Duration(a.many)), a.many)
		g.by[name] = l
	}
	return l.AllowN(now, 1)
}

// network is where a request comes from; empty = we do not know, and the bounds for all hold.
func network(r *http.Request) string {
	if p := peer.ClientNetwork(r); p.IsValid() {
		return p.String()
	}
	return ""
}

// mailboxOf is the mailbox behind an address as large providers have it: what follows a plus,
// and dots, name the same one. It is for counting only.
func mailboxOf(address string) (mailbox, domain string) {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.ReplaceAll(local, ".", "") + "@" + domain, domain
}
