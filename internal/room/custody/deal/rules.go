package deal

import (
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/share"
)

// candidate is a holder before the deal is made.
type candidate struct {
	Holder
	kind string // how the share gets there
	name string // as an error names it
	// together are what a holder is lost with: a household, a network, who administers it. Each
	// is a name of its own kind; empty ones are left out.
	together []string
	seal     func(s share.Share) ([]byte, error) // encrypts its share
}

// plan is a deal that somebody wishes.
type plan struct {
	k       int
	holders []candidate
	alone   bool // the hoster has no partner yet, and says that it knows
}

// check holds a plan against the rules of dealing. Each refusal has its own sentence.
// spec: docs/spec/custody.md#rules
func (p plan) check() error {
	n := len(p.holders)
	switch {
	case p.k < share.MinK:
		return core.Invalid("custody.deal.k_too_small", fmt.Errorf("k is %d", p.k))
	case p.k >= n:
		return core.Invalid("custody.deal.k_too_large", fmt.Errorf("%d of %d", p.k, n)).With("K", p.k).With("N", n)
	case n > share.MaxN:
		return core.Invalid("custody.deal.too_many", fmt.Errorf("%d holders", n)).With("Max", share.MaxN)
	}
	seen, outside := map[string]bool{}, 0
	for _, c := range p.holders {
		if seen[c.name] {
			return core.Invalid("custody.deal.twice", errors.New("one holder twice")).With("Holder", c.name)
		}
		seen[c.name] = true
		if c.Member != "" {
			outside++
		}
	}
	if outside == 0 && !p.alone {
		return core.Invalid("custody.deal.all_ours", errors.New("no holder outside"))
	}
	return p.checkTogether()
}

// checkTogether sees that what is lost together cannot open the box.
func (p plan) checkTogether() error {
	groups := map[string][]string{}
	for _, c := range p.holders {
		for _, what := range c.together {
			groups[what] = append(groups[what], c.name)
		}
	}
	for _, names := range groups {
		if len(names) >= p.k {
			slices.Sort(names)
			return core.Invalid("custody.deal.together", fmt.Errorf("%d lost together", len(names))).With("Holders", names).With("K", p.k)
		}
	}
	return nil
}

// State is where a deal stands with its owner.
type State string

// The states.
const (
	Pending    State = "pending"    // its holders have not all acknowledged
	Standing   State = "standing"   // it counts
	Superseded State = "superseded" // another one stands in its place
	Burnt      State = "burnt"      // its box was opened
	Cancelled  State = "cancelled"  // given up before it stood
)

// mayStand says whether a pending deal may stand: all have acknowledged, or one more than
// needed and somebody decided so.
func mayStand(k, n, acked int64, forced bool) bool {
	return acked >= n || forced && acked > k
}
