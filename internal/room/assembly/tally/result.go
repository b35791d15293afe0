package tally

import (
	"fmt"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// result is what the counted ballots say.
func (t *Tally) result(q *Question) Result {
	if t.Turnout < t.Quorum {
		return NoQuorum
	}
	switch q.Kind {
	case KindLazy:
		if len(t.Standing) > 0 {
			return Objected
		}
		return Passed
	case KindConsent:
		return t.consent(q)
	case KindChoice, KindPoll:
	}
	switch {
	case t.Order == nil:
		return Nobody
	case q.Kind == KindPoll:
		return Advice
	case t.Medians[t.Order[0]] == 0:
		return Rejected
	}
	return Chosen
}

func (t *Tally) consent(q *Question) Result {
	yes, no := t.stances(Agree)+t.stances(Concern), t.stances(Object)
	switch {
	case q.Fallback && yes > 0 && 4*yes >= 3*(yes+no):
		return Passed
	case q.Fallback:
		return Failed
	case len(t.Standing) > 0:
		return Blocked
	case yes > 0:
		return Passed
	}
	return Nobody
}

func (t *Tally) stances(s Stance) int {
	n := 0
	for _, l := range t.Lines {
		if l.Status == Open && l.Choice.Stance == s {
			n++
		}
	}
	return n
}

// objects says whether a member objects, by an objection that stands or by its ballot.
func (t *Tally) objects(l Line) bool {
	return l.Status == Open && l.Choice.Stance == Object || slices.Contains(t.Standing, l.Member)
}

// free finds whom a last round that passed does not bind.
func (t *Tally) free(q *Question) {
	if !q.Fallback || q.Kind != KindConsent || t.Result != Passed {
		return
	}
	for _, l := range t.Lines {
		if t.objects(l) {
			t.Free = append(t.Free, l.Member)
		}
	}
}

// facilitator draws who talks to both sides after a blocked third version.
// spec: docs/spec/decision.md#way-out
func (t *Tally) facilitator(q *Question, lot string) core.MemberID {
	if t.Result != Blocked || q.Version != lastVersion {
		return ""
	}
	var first core.MemberID
	for i, l := range t.Lines {
		if q.Electorate[i].Sleeping || l.Status == Void || l.Member == q.By || t.objects(l) {
			continue
		}
		if first == "" || draw(lot, string(l.Member)) < draw(lot, string(first)) {
			first = l.Member
		}
	}
	return first
}

// lastVersion is the last one that consent is asked for; the next is the fallback.
const lastVersion = 3

// grade puts the options in order.
func (t *Tally) grade(q *Question, lot string) {
	var ballots [][]int
	for _, l := range t.Lines {
		if l.Status == Open && len(l.Choice.Grades) > 0 {
			ballots = append(ballots, l.Choice.Grades)
		}
	}
	if len(ballots) == 0 {
		return
	}
	got := make([]grades, q.Options)
	for _, ballot := range ballots {
		for o, g := range ballot {
			got[o][g]++
		}
	}
	for o := range got {
		t.Order, t.Medians = append(t.Order, o), append(t.Medians, got[o].median())
	}
	slices.SortFunc(t.Order, func(a, b int) int {
		if c := got[b].compare(got[a]); c != 0 {
			return c
		}
		name := func(o int) string { return draw(lot, fmt.Sprintf("option %d", o)) }
		return strings.Compare(name(a), name(b))
	})
}

// grades is how often an option got each grade.
type grades [MaxGrade + 1]int

// median is the lower of the two in the middle of an even number; -1 of no grades.
func (g grades) median() int {
	n := 0
	for _, times := range g {
		n += times
	}
	place := (n - 1) / 2
	for grade, times := range g {
		if place < times {
			return grade
		}
		place -= times
	}
	return -1
}

// compare is majority judgment: the medians, then what they are when one median grade was
// taken away from each, and so on.
// spec: docs/spec/decision.md#tally
func (g grades) compare(other grades) int {
	for {
		a, b := g.median(), other.median()
		if a != b || a < 0 {
			return a - b
		}
		g[a]--
		other[b]--
	}
}
