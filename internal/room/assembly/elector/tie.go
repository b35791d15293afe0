package elector

import (
	"cmp"
	"slices"

	"entrechat/internal/core"
)

// Kind is what a tie does.
type Kind string

// The kinds of ties.
const (
	Vouched   Kind = "vouch"
	Unvouched Kind = "unvouch"
	Joined    Kind = "join" // founded the collective, or follows its charter
	Left      Kind = "leave"
)

// Tie is what one entry changed. Entries that change nothing are no ties: a vouch for whom the
// logbook vouches under that key already, or what is taken back and did not stand.
type Tie struct {
	Log     core.MemberID
	Index   int64
	At      core.Moment // when its author says it wrote it
	Kind    Kind
	Member  core.MemberID // of a vouch and an unvouch
	Root    core.RootKey  // of a vouch
	Charter string        // of a join and a leave
}

// takesBack says whether it ends what another tie began.
func (t Tie) takesBack() bool { return t.Kind == Unvouched || t.Kind == Left }

// Bounds of what one logbook can make us keep.
const (
	// maxVouches and maxJoins are how many vouches and followed charters of one logbook stand
	// at the same time; one more is none. They are those of the room trust.
	maxVouches, maxJoins = 50, 20
	// MaxTies is how many ties of one logbook are kept. After that it can only take back what
	// stands: at most maxVouches+maxJoins ties more.
	MaxTies = 1000
)

// vouch is a vouch that stands.
type vouch struct {
	root  core.RootKey
	since core.Moment // of the first entry since which it stood under this key
}

// standing is what stands of one logbook.
type standing struct {
	vouches map[core.MemberID]vouch
	joins   map[string]bool
	ties    int
}

// apply takes a tie in and says whether it changes anything.
func (s *standing) apply(t Tie) bool {
	if s.vouches == nil {
		s.vouches, s.joins = map[core.MemberID]vouch{}, map[string]bool{}
	}
	v, vouched := s.vouches[t.Member]
	joined := s.joins[t.Charter]
	changes := false
	switch t.Kind {
	case Vouched:
		changes = s.ties < MaxTies && (vouched && v.root != t.Root || !vouched && len(s.vouches) < maxVouches)
		if changes {
			s.vouches[t.Member] = vouch{t.Root, t.At}
		}
	case Unvouched:
		changes = vouched
		delete(s.vouches, t.Member)
	case Joined:
		changes = s.ties < MaxTies && !joined && len(s.joins) < maxJoins
		if changes {
			s.joins[t.Charter] = true
		}
	case Left:
		changes = joined
		delete(s.joins, t.Charter)
	}
	if changes {
		s.ties++
	}
	return changes
}

// replay is what stands of every logbook after ties that are in order, and those of them that
// changed it.
func replay(ties []Tie) (stands map[core.MemberID]*standing, changed []Tie) {
	stands = map[core.MemberID]*standing{}
	for _, t := range ties {
		if stands[t.Log] == nil {
			stands[t.Log] = &standing{}
		}
		if stands[t.Log].apply(t) {
			changed = append(changed, t)
		}
	}
	return stands, changed
}

// until are the ties that were written before a moment, by what their authors say.
func until(ties []Tie, before core.Moment) (out []Tie) {
	for _, t := range ties {
		if t.At < before {
			out = append(out, t)
		}
	}
	return out
}

// inOrder are the ties by logbook and index, each once.
func inOrder(ties []Tie) []Tie {
	ties = slices.Clone(ties)
	slices.SortFunc(ties, func(a, b Tie) int { return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Index, b.Index)) })
	return slices.CompactFunc(ties, func(a, b Tie) bool { return a.Log == b.Log && a.Index == b.Index })
}
