package verdict

import (
	"cmp"
	"maps"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
)

// MinFit is how many fit voters, of as many networks, a verdict wants where there are so
// many.
const MinFit = 3

// Outcome is what the votes of a case come to.
type Outcome struct {
	State State
	// Decided: these rounds are enough. One is, when it says up; two always are.
	Decided bool
	Weak    bool
	// Failing of Voters voted down in the last round; Voters are those that have a vote.
	Failing, Voters int
	// Networks are how many those stand in that voted down in the last round.
	Networks int
	Class    look.Class
	Family   int // 4 or 6: only this one fails
}

// Judge is the rule: what fresh votes of one or two rounds come to. Votes of members
// without a seat, or that lost their vote, do not count.
// spec: docs/spec/watch.md#the-rule
func Judge(a Assignment, barred map[core.MemberID]bool, rounds ...[]Vote) Outcome {
	c := court{networks: map[core.MemberID]int{}}
	nets := map[int]bool{}
	most := len(a.Seats) - max(MinFit, len(a.Seats)/2+1)
	for _, s := range a.Seats {
		if barred[s.Member] && most > 0 {
			most-- // so many may lose their vote; the others keep it
		} else {
			c.networks[s.Member] = s.Network
			nets[s.Network] = true
		}
	}
	c.seats, c.distinct = len(c.networks), min(MinFit, len(nets))
	o := Outcome{Voters: c.seats, Weak: a.Weak || c.seats < MinFit || len(nets) < MinFit}
	if len(rounds) == 0 || c.seats == 0 {
		return o
	}
	all := make([]count, len(rounds))
	for i, votes := range rounds {
		all[i] = c.count(votes)
	}
	last := all[len(all)-1]
	o.Failing, o.Networks, o.Class = last.down, len(last.networks), frequent(last.classes)
	every := func(is func(count) bool) bool {
		return !slices.ContainsFunc(all, func(n count) bool { return !is(n) })
	}
	o.Decided = len(rounds) > 1 || c.well(last)
	switch {
	case !o.Decided || !every(c.sees):
	case every(c.fails):
		o.State = Down
		if last.down >= MinFit && len(last.classes) == last.down {
			o.State = Partial // each fails in its own way: it is the paths, not the target
		}
	case every(c.cracked) && c.cracked(both(all)):
		o.State = Partial
	case every(func(n count) bool { return n.oneFamily() != 0 }):
		o.State, o.Family = Partial, last.oneFamily()
	case last.up > last.down:
		o.State = Up
	}
	return o
}

// count is one round.
type count struct {
	up, down int
	failing  map[core.MemberID]bool
	networks map[int]bool       // of those that voted down
	classes  map[look.Class]int // likewise
	family   map[int]int        // votes that a family fails, while the other is well
}

// court is who may vote on one target.
type court struct {
	seats    int
	distinct int // so many networks must vote down
	networks map[core.MemberID]int
}

func (c court) count(votes []Vote) count {
	n := count{failing: map[core.MemberID]bool{}, networks: map[int]bool{}, classes: map[look.Class]int{}, family: map[int]int{}}
	heard := map[core.MemberID]bool{}
	for _, v := range votes {
		network, seated := c.networks[v.Voter]
		if !seated || heard[v.Voter] {
			continue
		}
		heard[v.Voter] = true
		switch v.State {
		case VoteUp:
			n.up++
			if v.Half != look.Fine && v.Family != 0 {
				n.family[10-v.Family]++
			}
		case VoteDown:
			n.down++
			n.failing[v.Voter] = true
			n.networks[network] = true
			n.classes[v.Class]++
		case VoteUnfit:
		}
	}
	return n
}

// sees: enough fit voters answered to say anything. Where most are silent, it is perhaps
// we who are cut off from them.
func (c court) sees(n count) bool {
	fit := n.up + n.down
	switch {
	case c.seats < MinFit && n.down > 0:
		return fit == c.seats
	case c.seats < MinFit:
		return fit > 0
	}
	return fit >= MinFit && 2*fit > c.seats
}

// fails: it is down, as far as one round can tell.
func (c court) fails(n count) bool {
	return n.down > n.up && n.down >= min(MinFit, c.seats) && len(n.networks) >= c.distinct
}

// cracked: so many fail that it is no chance, and not enough for down.
func (c court) cracked(n count) bool {
	switch {
	case c.seats >= lookers:
		return n.down >= MinFit
	case c.seats >= MinFit:
		return n.down >= 2
	}
	return n.down > 0 && n.up > 0
}

// both is the last round with the down votes alone of who voted down in all of them: a
// path that is cut fails again, a look that failed by chance does not.
func both(rounds []count) count {
	last := rounds[len(rounds)-1]
	n := count{up: last.up}
	for m := range last.failing {
		if !slices.ContainsFunc(rounds, func(r count) bool { return !r.failing[m] }) {
			n.down++
		}
	}
	return n
}

// well: one round is enough to say that it is up.
func (c court) well(n count) bool {
	return c.sees(n) && n.up > n.down && !c.cracked(n) && n.oneFamily() == 0
}

// oneFamily is the family of addresses that fails for most; 0 = there is none.
func (n count) oneFamily() int {
	for _, f := range []int{4, 6} {
		if 2*n.family[f] > n.up+n.down {
			return f
		}
	}
	return 0
}

// frequent is the most frequent class, the first by name of several.
func frequent(classes map[look.Class]int) look.Class {
	best := look.Fine
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		if best == look.Fine || cmp.Compare(classes[class], classes[best]) > 0 {
			best = class
		}
	}
	return best
}
