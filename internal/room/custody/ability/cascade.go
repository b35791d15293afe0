package ability

import (
	"entrechat/internal/core"
	"entrechat/internal/room/custody/figure"
)

// mostLost is how many members are taken to be lost with us at once.
const mostLost = 3

// Beside is the smallest sets of members whose loss, with ours, would leave a box closed:
// too few of its shares are elsewhere. Shares that our persons keep outlive our machines.
type Beside struct {
	Scope string
	Lost  [][]core.MemberID
}

// Besides computes it for each box, of those that can be closed so.
func (f Facts) Besides() []Beside {
	var all []Beside
	for _, b := range f.Boxes {
		one := Beside{Scope: b.Scope}
		needed, nodes := b.Needed, []figure.Node(nil)
		var holders []figure.Holder
		for _, s := range b.Shares {
			if !s.Good {
				continue
			}
			if s.Person != "" || s.Member == "" {
				needed--
				continue
			}
			holders = append(holders, memberHolder(s.Member))
			nodes = append(nodes, figure.Node{ID: memberHolder(s.Member)})
		}
		const us = figure.Holder("us")
		nodes = append(nodes, figure.Node{ID: us, Needs: []figure.Need{{Needed: needed, Holders: holders}}})
		// The members come back for none of it: each set is tried as it is lost.
		for i := range nodes[:len(nodes)-1] {
			nodes[i].Needs = []figure.Need{{Needed: len(nodes) + 1}}
		}
		for _, loss := range figure.Fatal(nodes, mostLost+1) {
			if lost, ok := beside(loss, us); ok {
				one.Lost = append(one.Lost, lost)
			}
		}
		if len(one.Lost) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// beside are the members of a loss of which we do not come back.
func beside(loss figure.Loss, us figure.Holder) (lost []core.MemberID, ok bool) {
	for _, h := range loss.Gone {
		ok = ok || h == us
	}
	for _, h := range loss.Lost {
		if h != us {
			lost = append(lost, core.MemberID(h[len("member/"):]))
		}
	}
	return lost, ok
}
