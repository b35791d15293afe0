package record

import (
	"time"

	"entrechat/internal/core"
)

// The kinds of a proposal, as its document says them.
//
// spec: docs/spec/decision.md#proposal
const (
	Consent = "consent"
	Choice  = "choice"
	Lazy    = "lazy"
	Poll    = "poll"
)

// Times are those of a proposal.
//
// spec: docs/spec/decision.md#phases
type Times struct {
	Opened, TalkUntil, CommitUntil, RevealUntil core.Moment
	Grace                                       time.Duration
}

// Phase is where a decision is.
type Phase string

// The phases, in their order.
const (
	Talk    Phase = "talk"
	Commit  Phase = "commit"
	Reveal  Phase = "reveal"
	Counted Phase = "counted"
)

// Due is when the count is due: what is said later is not counted.
func (t Times) Due() core.Moment { return t.RevealUntil.Add(t.Grace) }

// Phase is where the decision is at a moment. A lazy one has talk alone, and is counted.
func (t Times) Phase(now core.Moment) Phase {
	switch {
	case now <= t.TalkUntil:
		return Talk
	case now <= t.CommitUntil:
		return Commit
	case now <= t.Due():
		return Reveal
	}
	return Counted
}

// Record is all that is shown of one version of a proposal. The zero value is an empty one. What
// is a sentence in it (Warnings, Note, Why, Origin) is in the language that it is written in.
type Record struct {
	ID         string // of the proposal: lower-case hex
	Collective string // the name of the collective
	By         core.MemberID
	Kind       string
	Fallback   bool // three quarters decide
	Hurried    bool
	Times      Times
	Lang       string // of title, text and options
	Title      string // one line
	Text       string // Markdown; empty when Withdrawn
	Options    []string
	Withdrawn  bool   // its author took the text back
	Version    int64  // from 1
	Replaced   bool   // the version after it was in time
	Rival      bool   // another of its author was open before: it does not count
	Review     string // the day, 2027-11-30; empty = none

	Versions   []Version // of the chain, the oldest first
	Electorate []Elector // by name
	Absent     []Absent  // who follows the charter and is not in the electorate
	Remarks    []Remark
	Objections []Objection
	Reviews    []Review
	Count      *Count // nil = not counted yet
	// Page is the address of the decision's page; empty = none is named.
	Page string
	// Origins are what it comes from: needs, incidents.
	Origins  []Origin
	Warnings []string // sentences
}

// Origin is what a proposal comes from.
type Origin struct {
	Says string // a sentence
	Page string // empty = no link
}

// Version is one version of the proposal.
type Version struct {
	ID     string
	Number int64
	Opened core.Moment
	Title  string
	Page   string // empty = no link
}

// Elector is a member of the electorate.
type Elector struct {
	Member   core.MemberID
	Sleeping bool
	Ballot   Ballot
	Note     string // what has to be known of it, as that it has one vouch from outside alone; may be empty
}

// Ballot is what is known of a member's ballot before the count. The zero value is NoBallot.
type Ballot string

// What a logbook says of a ballot; nobody learns the stance from it.
const (
	NoBallot Ballot = ""
	Sealed   Ballot = "sealed"
	Opened   Ballot = "opened"
)

// Absent is a member that follows the charter and is not in the electorate, and why: a sentence.
//
// spec: docs/spec/decision.md#electorate
type Absent struct {
	Member core.MemberID
	Why    string
}

// Remark is what a member said.
type Remark struct {
	By        core.MemberID
	At        core.Moment
	Lang      string
	Text      string // Markdown; empty when Withdrawn
	Withdrawn bool
	Late      bool // shown, not counted
}

// Objection is what harm a member sees, to whom, and what would lift it: three texts in
// Markdown, empty when Withdrawn.
type Objection struct {
	By               core.MemberID
	At               core.Moment
	Lang             string
	Electorate       bool // it is about who decides
	Harm, Whom, Lift string
	Withdrawn        bool
	Lifted           core.Moment // 0 = it stands
	Late             bool        // shown, not counted
}

// Review is the last word of a member on the review day: keep, change or drop.
type Review struct {
	Member core.MemberID
	Word   string
}

// The results of a count.
//
// spec: docs/spec/decision.md#tally
const (
	Passed   = "passed"
	Blocked  = "blocked"
	NoQuorum = "no_quorum"
	Nobody   = "nobody"
	Failed   = "failed"
	Objected = "objected"
	Chosen   = "chosen"
	Rejected = "rejected"
	Advice   = "advice"
	Replaced = "replaced" // a newer version took its place: it was not counted
)

// Count is what came out.
type Count struct {
	Result             string
	N, Quorum, Turnout int // Quorum is 0 where there is none
	Lines              []Line
	Standing           []core.MemberID // whose objection stands
	Free               []core.MemberID // last round: who is not bound
	Order              []int           // options, the best first
	Facilitator        core.MemberID   // drawn by lot; empty = none
	Hash               string          // of the tally text
	// Alike are those who counted as we did, ourselves among them; Differ those who did not.
	Alike  []core.MemberID
	Differ []Differ
}

// Line is what one member voted. Status is void, none, unopened, bad or open; Stance is agree,
// concern, aside or object; Grades are one from 0 to 5 for each option; Why says why a ballot does
// not count, or for the quorum alone: a sentence, or empty.
type Line struct {
	Member core.MemberID
	Status string
	Stance string
	Grades []int
	Why    string
}

// Differ is a member whose count is another, and the first line of it that is.
type Differ struct {
	Member     core.MemberID
	Its, Ours  string // the two lines; empty = its text is not known to us
	ItsOutcome string
}

// counted is the count, once it is due: before, nothing of it is shown.
func (r *Record) counted(now core.Moment) *Count {
	if r.Times.Phase(now) != Counted {
		return nil
	}
	return r.Count
}

// open are those whose ballot is open.
func (c *Count) open() (lines []Line) {
	for _, l := range c.Lines {
		if l.Status == "open" {
			lines = append(lines, l)
		}
	}
	return lines
}
