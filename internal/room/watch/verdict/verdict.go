package verdict

import (
	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
)

// State is what the vantage points conclude of a target. The zero value is Unknown.
type State string

// The states.
const (
	Unknown State = ""        // nobody fit looked, or they disagree: neither up nor down
	Up      State = "up"      // it answers as it should
	Partial State = "partial" // it answers on some paths only
	Down    State = "down"    // it does not answer
)

// Verdict is what stands of one target now.
type Verdict struct {
	Owner  core.MemberID
	Target string // its ID
	State  State
	// Weak: fewer than five networks were to be had for its voters, or fewer than three
	// voters. It is shown with these words and wakes nobody at night.
	Weak bool
	// Since is when the state began: of an outage the first suspicion, of its end the first
	// good vote.
	Since core.Moment
	// Certificate is the leaf hash (hex) of the logbook entry that proves it; empty for a
	// state that nothing had to prove, as a target that never failed, or that is not in a
	// logbook yet.
	Certificate string
	// Case is the nonce of the vote that proved the state, 32 hex digits. Unlike
	// Certificate it is there from the first moment, and the same on every node; empty for
	// a state that nothing had to prove.
	Case string
	// Failing of Voters say that it fails. Voters is 0 when only the owner looked.
	Failing, Voters int
	// Networks are how many the failing ones stand in; 0 for a state that is not down.
	Networks int
	// Class is how most of those that failed did.
	Class look.Class
	// Family is 4 or 6 when only that family of addresses fails; 0 otherwise.
	Family int
	// Unstable: it changed its state four times within an hour, or more often.
	Unstable bool
}

// Key names one target of one owner.
type Key struct {
	Owner  core.MemberID
	Target string
}

// Interval is a time through which a target had one state.
type Interval struct {
	State    State
	From, To core.Moment // To is not part of it
	Weak     bool
	Case     string // as in Verdict
}
