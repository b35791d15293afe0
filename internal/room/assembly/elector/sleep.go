package elector

import "entrechat/internal/core"

// Took is how a member took part in a counted proposal.
type Took string

// How a member took part.
const (
	Nothing  Took = "nothing"  // no counted commit, or a void one
	Unopened Took = "unopened" // it committed, and its ballot stayed shut
	Opened   Took = "opened"   // it opened its ballot, whatever was in it
)

// Part is how everybody in the electorate of one counted proposal took part. Lazy proposals have
// no ballots and are left out.
type Part map[core.MemberID]Took

// After how many proposals a member sleeps that did not commit, or did not open.
const (
	sleepsAfter   = 3
	unopenedAfter = 2
)

// Sleeps says whether a member sleeps after the counted proposals of a collective, the oldest
// first: those that did not have it in their electorate are passed over.
//
// spec: docs/spec/decision.md#electorate
func Sleeps(id core.MemberID, earlier []Part) bool {
	silent, shut := 0, 0
	counting := true // whether those since the last commit are still counted
	seen := 0
	for i := len(earlier) - 1; i >= 0 && seen < sleepsAfter; i-- {
		took, was := earlier[i][id]
		if !was {
			continue
		}
		seen++
		counting = counting && took == Nothing
		if counting {
			silent++
		}
		if took == Unopened && seen <= unopenedAfter {
			shut++
		}
	}
	return silent == sleepsAfter || shut == unopenedAfter
}
