package verdict

import (
	"fmt"
	"regexp"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/look"
)

// Times of the protocol.
// spec: docs/spec/watch.md#votes
const (
	// RoundPause is from the beginning of the first round to that of the second.
	RoundPause = 15 * time.Second
	// fresh is how old a vote may be when it is counted.
	fresh = 30 * time.Second
	// skew is how far two honest clocks may lie apart.
	skew = 60 * time.Second
	// CallTime bounds one call for a vote: 4 s for the look, the rest to find out whether
	// we are cut off, and for the way.
	CallTime = 7 * time.Second
)

// Ask is a call for a vote, from one voter of a target to another.
type Ask struct {
	Owner  core.MemberID `json:"owner"`
	Target string        `json:"target"`
	Roster string        `json:"roster"` // leaf hash of the roster that makes both voters
	Nonce  string        `json:"nonce"`  // 32 hex digits, drawn for this case
	Round  int           `json:"round"`  // 1 or 2
	Class  look.Class    `json:"class"`  // what the accuser found; empty when it is well again
	At     core.Moment   `json:"at"`     // the accuser's clock
}

// Ballot is what a vote says.
type Ballot string

// The ballots.
const (
	VoteUp    Ballot = "up"
	VoteDown  Ballot = "down"
	VoteUnfit Ballot = "unfit" // the voter cannot trust its own looks now
)

// Vote is the signed answer to an Ask: what a fresh look found.
type Vote struct {
	Voter core.MemberID `json:"voter"`
	Round int           `json:"round"`
	State Ballot        `json:"state"`
	Class look.Class    `json:"class,omitempty"`
	MS    int64         `json:"ms"` // latency
	// Family is 4 or 6, that of the connection which decided; 0 = there was none.
	Family int `json:"family,omitempty"`
	// Half is the class of the other family when that one failed.
	Half look.Class `json:"half,omitempty"`
	// Leaf is the SHA-256 of the leaf certificate, hex; empty = there was none.
	Leaf string      `json:"leaf,omitempty"`
	At   core.Moment `json:"at"` // the voter's clock, when the look began
	Sig  []byte      `json:"sig"`
}

// Case is what all votes of one case have in common.
type Case struct {
	Owner     core.MemberID `json:"owner"`
	Target    string        `json:"target"`
	Roster    string        `json:"roster"`
	Nonce     string        `json:"nonce"`
	Collector core.MemberID `json:"collector"` // the accuser
}

// Text is what a voter signs: a line for each field, in this order. No field can hold a
// line break, so two votes never have one text.
// spec: docs/spec/watch.md#votes
func (v Vote) Text(c Case) []byte {
	return fmt.Appendf(nil, "entrechat-watch-vote/1\n%s\n%s\n%s\n%s\n%s\n%d\n%s\n%s\n%s\n%d\n%d\n%s\n%s\n%d\n",
		c.Owner, c.Target, c.Roster, c.Nonce, c.Collector, v.Round, v.Voter, v.State, v.Class, v.MS, v.Family, v.Half, v.Leaf, v.At)
}

// Sign completes a vote.
func (v *Vote) Sign(c Case, s seal.Signer) {
	v.Voter = s.ID()
	v.Sig = s.Sign(v.Text(c))
}

var classForm = regexp.MustCompile(`^[a-z0-9_]{0,16}$`)

// Sound says whether a vote has the form of one.
func (v Vote) Sound() bool {
	return v.Voter.Valid() && (v.Round == 1 || v.Round == 2) &&
		(v.State == VoteUp || v.State == VoteDown || v.State == VoteUnfit) &&
		classForm.MatchString(string(v.Class)) && classForm.MatchString(string(v.Half)) &&
		(v.State == VoteDown) == v.Class.Failure() && v.MS >= 0 && v.MS <= 3_600_000 &&
		(v.Family == 0 || v.Family == 4 || v.Family == 6) && (v.Leaf == "" || HashForm.MatchString(v.Leaf)) && v.At > 0
}

// sound says whether a case has the form of one.
func (c Case) sound() bool {
	return c.Owner.Valid() && targetForm.MatchString(c.Target) && HashForm.MatchString(c.Roster) &&
		nonceForm.MatchString(c.Nonce) && c.Collector.Valid()
}

// Of is the case of a call by that accuser.
func (a Ask) Of(accuser core.MemberID) Case {
	return Case{Owner: a.Owner, Target: a.Target, Roster: a.Roster, Nonce: a.Nonce, Collector: accuser}
}

// Check reads what a stranger asks. Returns CodeInvalid, and CodeDenied when the clocks
// lie too far apart.
func (a Ask) Check(accuser core.MemberID, now core.Moment) error {
	if !a.Of(accuser).sound() || a.Round != 1 && a.Round != 2 || !classForm.MatchString(string(a.Class)) {
		return core.Invalid("watch.verdict.bad_ask", fmt.Errorf("a call of %.80q for a vote makes no sense", accuser))
	}
	if d := now.Sub(a.At); d.Abs() > RoundSpread {
		return core.Denied("watch.verdict.clock", fmt.Errorf("%s calls with a clock %s from ours", accuser, d)).With("Member", accuser)
	}
	return nil
}
