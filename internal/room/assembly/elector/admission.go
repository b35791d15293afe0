package elector

import (
	"cmp"
	"slices"

	"entrechat/internal/core"
)

// place is where one candidate stands.
type place struct {
	founder, admitted bool
	round             int             // in which it was admitted; founders in 0
	by                []core.MemberID // admitted members that vouch for it, sorted
	sponsor, branch   core.MemberID
}

// places computes who is admitted: founders that follow the charter under the key it names, and
// whoever follows it and has enough vouches of admitted members, round after round until
// nothing changes. It is the rule of the room trust, with the round in which each one came in.
//
// spec: docs/spec/trust.md#admission
func places(s Society, stands map[core.MemberID]*standing) map[core.MemberID]*place {
	all := map[core.MemberID]*place{}
	for id, of := range stands {
		if of.joins[s.Charter.ID] && !s.Suspended(id) {
			all[id] = &place{}
		}
	}
	var last []core.MemberID // admitted in the round before: their vouches do not count yet
	for _, f := range s.Charter.Founders {
		if a := all[f.Member]; a != nil && s.Root(f.Member) == f.Root && !a.founder {
			a.founder, a.admitted = true, true
			last = append(last, f.Member)
		}
	}
	for round := 1; len(last) > 0; round++ {
		for _, by := range last {
			count(s, all, by, stands[by])
		}
		last = nil
		for id, a := range all {
			if !a.admitted && int64(len(a.by)) >= s.Charter.Admit {
				a.admitted, a.round = true, round
				last = append(last, id)
			}
		}
	}
	for _, a := range all {
		slices.Sort(a.by)
	}
	return all
}

// count notes for whom a member that was admitted vouches, under the keys pinned here.
func count(s Society, all map[core.MemberID]*place, by core.MemberID, of *standing) {
	for id, v := range of.vouches {
		if a := all[id]; a != nil && id != by && v.root == s.Root(id) {
			a.by = append(a.by, by)
		}
	}
}

// grow names the branches: who sponsors whom, from the founders on.
func grow(all map[core.MemberID]*place, stands map[core.MemberID]*standing) {
	var order []core.MemberID
	founders := 0
	for id, a := range all {
		if a.admitted {
			order = append(order, id)
		}
		if a.founder {
			founders++
		}
	}
	slices.SortFunc(order, func(a, b core.MemberID) int {
		return cmp.Or(cmp.Compare(all[a].round, all[b].round), cmp.Compare(a, b))
	})
	for _, id := range order {
		a := all[id]
		if a.founder {
			a.branch = id
			continue
		}
		a.sponsor = sponsor(id, all, stands)
		a.branch = all[a.sponsor].branch
		if founders == 1 && all[a.sponsor].founder {
			a.branch = id
		}
	}
}

// sponsor is who vouched first among those that were admitted in an earlier round.
func sponsor(id core.MemberID, all map[core.MemberID]*place, stands map[core.MemberID]*standing) (first core.MemberID) {
	for _, by := range all[id].by { // by name
		if all[by].round < all[id].round && (first == "" || stands[by].vouches[id].since < stands[first].vouches[id].since) {
			first = by
		}
	}
	return first
}

// outside are the admitted members of other branches that vouch for a candidate. Its sponsor is
// none of them.
func outside(id core.MemberID, all map[core.MemberID]*place) (out []core.MemberID) {
	a := all[id]
	for _, by := range a.by {
		if by != a.sponsor && all[by].branch != a.branch {
			out = append(out, by)
		}
	}
	return out
}
