package tally

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"entrechat/internal/core"
)

// Result is what a question came to.
type Result string

// The results.
const (
	Replaced Result = "replaced"  // a new version took its place in time; it is counted no more
	NoQuorum Result = "no_quorum" // too few ballots
	Nobody   Result = "nobody"    // enough ballots, and none says what could be done
	Blocked  Result = "blocked"   // consent: an objection stands
	Passed   Result = "passed"    // consent, its last round, and lazy
	Failed   Result = "failed"    // the last round: less than three quarters
	Objected Result = "objected"  // lazy: an objection stands
	Rejected Result = "rejected"  // choice: half say 0 to the best option
	Chosen   Result = "chosen"    // choice: Tally.Order has the option
	Advice   Result = "advice"    // poll
)

// Status is what became of a member's ballot.
type Status string

// The statuses.
const (
	Void     Status = "void"     // its logbook was forked
	None     Status = "none"     // no ballot in time
	Unopened Status = "unopened" // counted for the quorum alone
	Bad      Status = "bad"      // opened, but its choice does not hold; for the quorum alone
	Open     Status = "open"     // counted
)

// Reason is why a ballot does not count, or counts for the quorum alone. The zero value is
// none: it counts, or there is no ballot.
type Reason string

// The reasons.
const (
	Forked        Reason = "forked"         // two others have the proof that the logbook was forked
	Early         Reason = "early"          // before the question opened
	Late          Reason = "late"           // after the end of the commit phase
	Unseen        Reason = "unseen"         // too few others saw it in time
	Silent        Reason = "silent"         // nothing opens it
	OpenedEarly   Reason = "opened_early"   // the opening is from before the question opened
	OpenedLate    Reason = "opened_late"    // the opening came after the end of the reveal phase
	OpeningUnseen Reason = "opening_unseen" // too few others saw the opening in time
	OtherBytes    Reason = "other_bytes"    // the opening does not match what was sealed
	Unreadable    Reason = "unreadable"     // what was sealed is no opening
	OtherProposal Reason = "other_proposal" // the opening names another proposal
	OtherMember   Reason = "other_member"   // the opening names another member: a copied ballot
	Misfit        Reason = "misfit"         // the choice does not fit what is asked
	NoObjection   Reason = "no_objection"   // it objects, and names no objection of its member in time
)

// Refused is a ballot that was not taken; another of the same member may have been.
type Refused struct {
	Index  int64 // in its member's logbook
	Iat    core.Moment
	Reason Reason // Early, Late or Unseen
}

// Line is what became of one member's ballots.
type Line struct {
	Member  core.MemberID
	Status  Status
	Choice  Choice // where Status is Open
	Reason  Reason // why it is not; "" also where nothing was said at all
	Index   int64  // of the ballot that was taken, -1 for none
	Refused []Refused

	nonce string
}

// Tally is the count of a question.
type Tally struct {
	Result             Result
	N, Quorum, Turnout int
	Lines              []Line          // in the order of the electorate
	Standing           []core.MemberID // whose objection stands, in the order of Lines
	Free               []core.MemberID // whom a last round that passed does not bind, the same
	Order              []int           // the options, the best first; nil where no grades are
	Medians            []int           // of each option; nil where no grades are
	Facilitator        core.MemberID   // drawn when a third version is blocked; "" for none
	Text, Hash         string          // for comparing with other nodes
}

// Count counts a question from the entries of its members' logbooks, in any order, as many as
// there are and whatever they say. Two counts of the same entries are equal.
// spec: docs/spec/decision.md#tally
func Count(q Question, entries []Entry) Tally {
	b := read(&q, entries)
	t := Tally{N: q.Awake(), Quorum: q.Quorum()}
	for _, m := range q.Electorate {
		line := b.line(m.ID)
		switch line.Status {
		case Unopened, Bad, Open:
			t.Turnout++
		case Void, None:
		}
		t.Lines = append(t.Lines, line)
	}
	t.Standing = b.standing(t.Lines)
	lot := t.lotHash(&q)
	t.grade(&q, lot)
	if t.Result = Replaced; !b.replaced() {
		t.Result = t.result(&q)
	}
	t.free(&q)
	t.Facilitator = t.facilitator(&q, lot)
	t.Text = t.text(&q, false)
	t.Hash = hash(t.Text)
	return t
}

// text is the tally in the form that is hashed; for a lot with the nonces, and without what
// the lot decides.
// spec: docs/spec/decision.md#tally
func (t *Tally) text(q *Question, lot bool) string {
	var s strings.Builder
	last := ""
	if q.Fallback {
		last = " fallback"
	}
	fmt.Fprintf(&s, "entrechat/tally/1\nproposal %s\nkind %s%s\nn %d quorum %d turnout %d\n", q.ID, q.Kind, last, t.N, t.Quorum, t.Turnout)
	for _, l := range t.Lines {
		fmt.Fprintf(&s, "%s %s", l.Member, l.Status)
		if l.Status == Open {
			fmt.Fprintf(&s, " %s", l.Choice)
		}
		s.WriteByte('\n')
		if lot && l.Status == Open {
			fmt.Fprintf(&s, "nonce %s\n", l.nonce)
		}
	}
	for _, id := range t.Standing {
		fmt.Fprintf(&s, "standing %s\n", id)
	}
	if lot {
		return s.String()
	}
	if t.Order != nil {
		s.WriteString("order")
		for _, o := range t.Order {
			fmt.Fprintf(&s, " %d", o)
		}
		s.WriteByte('\n')
	}
	for _, id := range t.Free {
		fmt.Fprintf(&s, "free %s\n", id)
	}
	fmt.Fprintf(&s, "result %s\n", t.Result)
	return s.String()
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (t *Tally) lotHash(q *Question) string { return hash(t.text(q, true)) }

// draw is what a name draws in a lot; the smallest wins.
// spec: docs/spec/decision.md#lot
func draw(lot, name string) string { return hash("entrechat/lot/1\n" + lot + "\n" + name) }
