package verdict

import "entrechat/internal/core"

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
	// Weak: fewer than three vantage points, or fewer than three networks, stand behind
	// it. It is shown with these words and wakes nobody at night.
	Weak bool
	// Since is when the state began: of an outage the first suspicion, of its end the first
	// good vote.
	Since core.Moment
	// Certificate is the leaf hash (hex) of the logbook entry that proves it; empty for a
	// state that nothing had to prove, as a target that never failed.
	Certificate string
	// Failing of Voters say that it fails.
	Failing, Voters int
}
