package verdict

import (
	"cmp"
	"slices"
	"time"

	"entrechat/internal/core"
)

// A voter that is against the outcome in so many of its votes on an owner's targets loses
// its vote on them, until it has been right for long enough.
// spec: docs/spec/watch.md#dissent
const (
	dissentSpan    = 30 * 24 * time.Hour
	dissentVotes   = 10 // fewer say nothing yet
	dissentPercent = 30
	// dissentAfter is how old a certificate is before it counts: by then everybody has it.
	dissentAfter = 10 * time.Minute
)

// Dissent is how often one voter was against the outcome on one owner's targets, in the
// certificates of the last 30 days.
type Dissent struct {
	Owner, Voter    core.MemberID
	Votes, Disagree int
	Barred          bool // it has no vote there now
}

// Dissents counts, of the events of one owner's targets, what was decided by a moment.
func Dissents(owner core.MemberID, events []Event, at core.Moment) []Dissent {
	var all []Dissent
	for _, e := range events {
		if e.Hash == "" || e.Last > at.Add(-dissentAfter) || e.Last <= at.Add(-dissentSpan) {
			continue
		}
		for _, s := range e.Against {
			i := slices.IndexFunc(all, func(d Dissent) bool { return d.Voter == s.Voter })
			if i < 0 {
				all, i = append(all, Dissent{Owner: owner, Voter: s.Voter}), len(all)
			}
			all[i].Votes += s.Votes
			all[i].Disagree += s.Disagree
		}
	}
	for i, d := range all {
		all[i].Barred = d.Votes >= dissentVotes && 100*d.Disagree > dissentPercent*d.Votes
	}
	slices.SortFunc(all, func(a, b Dissent) int { return cmp.Compare(a.Voter, b.Voter) })
	return all
}

// BarredOf are those of a count that have no vote.
func BarredOf(all []Dissent) map[core.MemberID]bool {
	out := map[core.MemberID]bool{}
	for _, d := range all {
		if d.Barred {
			out[d.Voter] = true
		}
	}
	return out
}
