package peer

import (
	"sync"
	"time"

	"entrechat/internal/core"
)

// maxNonces bounds what one member can make us remember within the window. A
// member above it is told to slow down; nothing is forgotten early.
const maxNonces = 50_000

// replayGuard refuses a nonce that a member used within the window.
type replayGuard struct {
	mu   sync.Mutex
	seen map[core.MemberID]*nonces
}

// nonces are two generations: a full window apart, so that each nonce is kept at
// least that long and forgetting is one assignment.
type nonces struct {
	turned     time.Time
	young, old map[string]struct{}
}

// first says whether the nonce is new; full that the member must slow down.
func (g *replayGuard) first(from core.MemberID, nonce string, now time.Time) (fresh, full bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = map[core.MemberID]*nonces{}
	}
	n := g.seen[from]
	if n == nil {
		n = &nonces{turned: now, young: map[string]struct{}{}}
		g.seen[from] = n
	}
	// A request is valid for the window before and after its creation.
	if now.Sub(n.turned) > 2*window {
		n.old, n.young, n.turned = n.young, map[string]struct{}{}, now
	}
	_, inYoung := n.young[nonce]
	_, inOld := n.old[nonce]
	if inYoung || inOld {
		return false, false
	}
	if len(n.young)+len(n.old) >= maxNonces {
		return false, true
	}
	n.young[nonce] = struct{}{}
	return true, false
}
