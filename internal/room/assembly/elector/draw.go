package elector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"entrechat/internal/core"
)

// Reason is why a candidate is not in the electorate; empty for one that is.
//
// spec: docs/spec/decision.md#electorate
type Reason string

// The reasons, in the order in which they are looked at.
const (
	IsSuspended    Reason = "suspended"
	NotAdmitted    Reason = "not_admitted"
	TooYoung       Reason = "too_young"
	NoOutsideVouch Reason = "no_outside_vouch"
)

// Candidate is who follows the charter, and whether it decides.
type Candidate struct {
	Member core.MemberID
	Root   core.RootKey // pinned here; zero = none
	Why    Reason       // empty = it is in the electorate
	// From is the day on which it will have been admitted for long enough, at 0:00 UTC, if
	// nothing changes: of TooYoung only. Zero where it rests on entries of days to come.
	From     core.Moment
	Founder  bool
	Admitted bool
	Warned   bool            // it is in by one vouch from outside alone
	Vouchers []core.MemberID // admitted members that vouch for it
	Outside  []core.MemberID // those of them that are of another branch
	Sponsor  core.MemberID   // empty for founders and whoever is not admitted
	Branch   core.MemberID   // the founder it descends from, or whom the only founder sponsors; empty for who is not admitted
}

// In says whether it is in the electorate.
func (c Candidate) In() bool { return c.Why == "" }

// Drawn is an electorate, and why the others are not in it.
type Drawn struct {
	Charter    Charter
	At         core.Moment
	Candidates []Candidate // sorted by member
	Heads      []Head      // sorted by member
}

// Draw says who decides about a proposal that opens at a moment, by what logbooks said up to the
// heads. Ties may come in any order; those of logbooks without a head do not count.
//
// spec: docs/spec/decision.md#electorate
func Draw(s Society, ties []Tie, heads []Head, at core.Moment) Drawn {
	sizes := map[core.MemberID]int64{}
	for _, h := range heads {
		sizes[h.Member] = h.Size
	}
	ties = slices.DeleteFunc(inOrder(ties), func(t Tie) bool { return t.Index >= sizes[t.Log] })
	stands, ties := replay(ties)
	all := places(s, stands)
	grow(all, stands)
	then, _ := replay(until(ties, at.Add(-Seniority)+1))
	old := places(s, then)
	d := Drawn{Charter: s.Charter, At: at, Heads: slices.SortedFunc(slices.Values(heads), func(a, b Head) int { return cmp.Compare(a.Member, b.Member) })}
	young := false
	for _, id := range slices.Sorted(maps.Keys(stands)) {
		if !stands[id].joins[s.Charter.ID] {
			continue
		}
		c := candidate(s, id, all, old[id])
		young = young || c.Why == TooYoung
		d.Candidates = append(d.Candidates, c)
	}
	if young {
		d.sayFrom(s, ties)
	}
	return d
}

// candidate says where one stands; old is its place 90 days before, nil = it did not follow the
// charter then.
func candidate(s Society, id core.MemberID, all map[core.MemberID]*place, old *place) Candidate {
	c := Candidate{Member: id, Root: s.Root(id)}
	a := all[id]
	if a == nil {
		c.Why = IsSuspended
		return c
	}
	c.Founder, c.Admitted, c.Vouchers, c.Sponsor, c.Branch = a.founder, a.admitted, a.by, a.sponsor, a.branch
	if a.admitted {
		c.Outside = outside(id, all)
	}
	switch {
	case a.founder:
	case !a.admitted:
		c.Why = NotAdmitted
	case old == nil || !old.admitted:
		c.Why = TooYoung
	case len(c.Outside) == 0:
		c.Why = NoOutsideVouch
	default:
		c.Warned = len(c.Outside) == 1
	}
	return c
}

// sayFrom finds the day from which each one that is too young is not any more. It looks at the
// end of every day since then on which a logbook said something.
func (d *Drawn) sayFrom(s Society, ties []Tie) {
	const day = 24 * time.Hour
	days := map[core.Moment]bool{}
	for _, t := range ties {
		if t.At > d.At.Add(-Seniority) && t.At <= d.At {
			days[core.At(t.At.Time().Truncate(day))] = true
		}
	}
	for _, begins := range slices.Sorted(maps.Keys(days)) {
		ends := begins.Add(day)
		stands, _ := replay(until(ties, ends))
		then := places(s, stands)
		for i := range d.Candidates {
			c := &d.Candidates[i]
			if a := then[c.Member]; c.Why == TooYoung && c.From == 0 && a != nil && a.admitted {
				c.From = ends.Add(Seniority)
			}
		}
	}
}

// Electorate is the list as a proposal names it, sorted by member. earlier are the counted
// proposals of the collective, the oldest first.
func (d Drawn) Electorate(earlier []Part) []Elector {
	var out []Elector
	for _, c := range d.Candidates {
		if c.In() {
			out = append(out, Elector{Member: c.Member, Root: c.Root, Sleeping: Sleeps(c.Member, earlier)})
		}
	}
	return out
}
