package elector

import (
	"slices"

	"entrechat/internal/core"
)

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
	var took []Took
	for _, p := range earlier {
		if t, was := p[id]; was {
			took = append(took, t)
		}
	}
	return ends(took, sleepsAfter, Nothing) || ends(took, unopenedAfter, Unopened)
}

// ends says whether at least n were taken, and the last n alike.
func ends(took []Took, n int, as Took) bool {
	return len(took) >= n && !slices.ContainsFunc(took[len(took)-n:], func(t Took) bool { return t != as })
}
