package tally

import (
	"cmp"
	"slices"
	"time"

	"entrechat/internal/core"
)

// Kind is what a question asks for. The zero value is none.
type Kind string

// The kinds.
const (
	KindConsent Kind = "consent" // passes where nobody objects
	KindChoice  Kind = "choice"  // grades for options, the best median wins
	KindLazy    Kind = "lazy"    // passes by silence; it has no ballots
	KindPoll    Kind = "poll"    // a choice that binds nobody
)

// Member is one of an electorate. Asleep it may vote, and is not counted in N.
type Member struct {
	ID       core.MemberID
	Sleeping bool
}

// Question is one version of a proposal as far as a count needs it. Whoever makes one has
// checked the proposal; a count of one that breaks its rules means nothing, but ends.
// spec: docs/spec/decision.md#proposal
type Question struct {
	ID       string // of the proposal, 64 hex digits
	By       core.MemberID
	Kind     Kind
	Fallback bool  // the last round, in which three quarters decide
	Version  int64 // from 1
	Options  int   // how many; 0 but for KindChoice and KindPoll
	// The ends of the phases; a moment that is an end belongs to its phase.
	Opened, TalkUntil, CommitUntil, RevealUntil core.Moment
	Grace                                       time.Duration
	Electorate                                  []Member // sorted by member: its place is a member's ordinal
	// Earlier are the versions before, the oldest first; their own Earlier is not read.
	Earlier []Question
}

// Phase is a part of a question's time. The zero value is before it opened.
type Phase string

// The phases. Entries are witnessed for the first three; a lazy question has no PhaseCommit
// and no PhaseReveal.
const (
	PhaseTalk    Phase = "talk"
	PhaseCommit  Phase = "commit"
	PhaseReveal  Phase = "reveal"
	PhaseGrace   Phase = "grace"   // nothing more may be said; witnesses still write
	PhaseCounted Phase = "counted" // the count is due
)

// The shortest times of a question that is not hurried.
// spec: docs/spec/decision.md#phases
const (
	TalkLeast   = 7 * 24 * time.Hour // of a first version; later ones do not begin to talk again
	CommitLeast = 7 * 24 * time.Hour
	RevealLeast = 3 * 24 * time.Hour
	GraceLeast  = 6 * time.Hour
)

// Phase is the one that runs at a moment.
func (q *Question) Phase(now core.Moment) Phase {
	switch {
	case now < q.Opened:
		return ""
	case now <= q.TalkUntil:
		return PhaseTalk
	case now <= q.CommitUntil:
		return PhaseCommit
	case now <= q.RevealUntil:
		return PhaseReveal
	case now <= q.Due():
		return PhaseGrace
	}
	return PhaseCounted
}

// End is the last moment of a phase that entries are witnessed for; zero for another.
func (q *Question) End(p Phase) core.Moment {
	switch p {
	case PhaseTalk:
		return q.TalkUntil
	case PhaseCommit:
		return q.CommitUntil
	case PhaseReveal:
		return q.RevealUntil
	case PhaseGrace, PhaseCounted:
	}
	return 0
}

// Due is the last moment whose entries a count takes; right after it the count is due.
func (q *Question) Due() core.Moment { return q.RevealUntil.Add(q.Grace) }

// WordPhase is the phase in whose time objections, their lifting, and new versions have to
// be: PhaseTalk of a lazy question, PhaseCommit of the others.
func (q *Question) WordPhase() Phase {
	if q.Kind == KindLazy {
		return PhaseTalk
	}
	return PhaseCommit
}

// Hurried says whether any of its times is shorter than is usual; then its quorum is
// everybody who is awake. A lazy question is never hurried.
func (q *Question) Hurried() bool {
	shorter := func(from, to core.Moment, least time.Duration) bool {
		return to-from < core.Moment(least.Microseconds())
	}
	return q.Kind != KindLazy &&
		(q.Version <= 1 && shorter(q.Opened, q.TalkUntil, TalkLeast) || shorter(q.TalkUntil, q.CommitUntil, CommitLeast) ||
			shorter(q.CommitUntil, q.RevealUntil, RevealLeast) || q.Grace < GraceLeast)
}

// Ordinal is a member's place in the electorate, -1 for a stranger.
func (q *Question) Ordinal(id core.MemberID) int {
	return slices.IndexFunc(q.Electorate, func(m Member) bool { return m.ID == id })
}

// Need is how many members other than its author must have seen an entry: two, or as many as
// there are.
func (q *Question) Need() int { return max(0, min(2, len(q.Electorate)-1)) }

// Awake is N: how many of the electorate do not sleep.
func (q *Question) Awake() int {
	n := 0
	for _, m := range q.Electorate {
		if !m.Sleeping {
			n++
		}
	}
	return n
}

// Quorum is how many ballots the question needs; 0 where none are asked for.
func (q *Question) Quorum() int {
	switch {
	case q.Kind == KindLazy || q.Kind == KindPoll:
		return 0
	case q.Hurried():
		return q.Awake()
	}
	return Quorum(q.Awake())
}

// Quorum is the smallest whole q with 4q² ≥ 9n, one and a half times the root of n; but n
// where that is less.
// spec: docs/spec/decision.md#tally
func Quorum(n int) int {
	q := 0
	for q < n && 4*q*q < 9*n {
		q++
	}
	return q
}

// compare puts entries in the one order in which they are read: a logbook after the other,
// each by index. The rest is for entries that cannot both be true.
func compare(a, b Entry) int {
	return cmp.Or(
		cmp.Compare(a.Member, b.Member), cmp.Compare(a.Index, b.Index),
		cmp.Compare(a.Iat, b.Iat), cmp.Compare(a.Typ, b.Typ), slices.Compare(a.Body, b.Body),
	)
}
