package lending

import (
	"fmt"
	"sync"

	"entrechat/internal/core"
)

// gate counts what is under way for each owner and for all. Who finds it closed
// is told so at once and comes back later: waiting here would only hide it.
type gate struct {
	each, all int

	mu    sync.Mutex
	in    map[core.MemberID]int
	total int
}

func newGate(each, all int) *gate {
	return &gate{each: each, all: all, in: map[core.MemberID]int{}}
}

// enter takes a place; leave gives it back and must be called once. Returns
// CodeUnsure (vault.busy).
func (g *gate) enter(who core.MemberID) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in[who] >= g.each || g.total >= g.all {
		return nil, busy(fmt.Sprintf("%s has %d under way, all have %d", who, g.in[who], g.total))
	}
	g.in[who]++
	g.total++
	return func() { g.leave(who) }, nil
}

func (g *gate) leave(who core.MemberID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.in[who]--; g.in[who] == 0 {
		delete(g.in, who)
	}
}
