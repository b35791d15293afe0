package ask

import (
	"strings"
	"time"

	"entrechat/internal/core"
)

// State is how an ask stands at one holder.
type State string

// The states. Only Ready lets a share out.
const (
	Received State = "received" // noted; who has to know of it was not told yet
	Waiting  State = "waiting"
	Ready    State = "ready" // a person may release
	Released State = "released"
	Vetoed   State = "vetoed"
	Expired  State = "expired"
	Refused  State = "refused"
	Opened   State = "opened" // where we asked: the box is open
)

// Alive is how lately an owner's logbook grew for the owner not to count as silent.
const Alive = 14 * 24 * time.Hour

// LeastWait is the shortest wait that k+1 holders may agree on, and the shortest an owner
// may choose: one night for what cannot be taken back.
func LeastWait(scope string) time.Duration {
	switch kind, _, _ := strings.Cut(scope, ":"); kind {
	case "rehearsal":
		return 0 // a dummy
	case "serve", "data":
		return time.Hour
	default:
		return 24 * time.Hour
	}
}

// Strength is what key a veto was made with; it is as strong as that key.
type Strength string

// The strengths of a veto, the weakest first.
const (
	ByNode Strength = "node" // the owner's online key, which may be what was stolen: the wait begins again, once
	ByCard Strength = "card" // a person of the owner's: it stops; k+1 holders may overrule after a second full wait
	ByRoot Strength = "root" // the owner's words: it is final
)

// Veto is one veto against an ask, as one holder has it.
type Veto struct {
	Strength Strength
	Ran      time.Duration // by the holder's clock, when it came
}

// Standing is all that decides about an ask at one holder. Times called Ran are of its Clock.
type Standing struct {
	Reason         Reason
	Made, Expires  core.Moment   // as the ask says
	Wait           time.Duration // of the deal
	Least          time.Duration // LeastWait, or less in a lab
	Needed         int           // k of the deal
	ReceivedAt     core.Moment
	ReceivedRan    time.Duration
	Noticed        bool // who has to know of it was told
	Vetoes         []Veto
	Sooner         int           // holders that agree to a shorter wait, this one included
	Overrule       int           // holders that overrule the veto of a person
	OwnerSaid      core.Moment   // the newest entry or head in the owner's logbook
	Alive          time.Duration // Alive, or less in a lab
	AskerSuspended bool
	NoHeir         bool // who asks was no holder, and is no successor any more, or not yet
	Burnt          bool // the deal was opened, by whatever ask, or another took its place
	Declined       bool // a person here said no
	ReleasedAt     core.Moment
	Fetched        bool // the deal was burnt by this ask: who asked has opened the box
}

// Why says more about a state; the words are "custody.breakglass.why_<why>".
type Why string

// What a state may say beside itself.
const (
	WhyNothing   Why = ""
	WhyBurnt     Why = "burnt"     // the deal was opened already, or is no more
	WhySuspended Why = "suspended" // the asker told different things to different members
	WhyAlive     Why = "alive"     // the owner's logbook grows
	WhyDeclined  Why = "declined"  // a person here said no
	WhyNoHeir    Why = "no_heir"   // who asks is no successor of the owner's any more
	WhyRoot      Why = "root"      // the owner's words said no
	WhyCard      Why = "card"      // a person of the owner's said no
	WhySooner    Why = "sooner"    // enough holders agreed to wait less
	WhyOverruled Why = "overruled" // enough holders overruled the veto of a person
)

// Verdict is what Judge says: Left is how long a wait still runs, zero unless it waits.
type Verdict struct {
	State State
	Why   Why
	Left  time.Duration
}

// Judge says how an ask stands. now is the clock on the wall, ran the holder's Clock.
func (s Standing) Judge(now core.Moment, ran time.Duration) Verdict {
	if s.ReleasedAt != 0 {
		if why := s.returned(); why != WhyNothing && !s.Fetched {
			return Verdict{State: Refused, Why: why}
		}
		return Verdict{State: Released}
	}
	if why := s.refusal(); why != WhyNothing {
		return Verdict{State: Refused, Why: why}
	}
	if s.strongest() == ByRoot {
		return Verdict{State: Vetoed, Why: WhyRoot}
	}
	// By both clocks: one that went back keeps nothing open.
	if now >= s.Expires || ran-s.ReceivedRan >= s.Expires.Sub(s.Made) {
		return Verdict{State: Expired}
	}
	if !s.Noticed {
		return Verdict{State: Received}
	}
	return s.waiting(ran)
}

func (s Standing) refusal() Why {
	switch {
	case s.Burnt:
		return WhyBurnt
	case s.AskerSuspended:
		return WhySuspended
	case s.Declined:
		return WhyDeclined
	}
	return s.returned()
}

// returned ends what rests on an owner's silence, also a share that was let go and not fetched:
// the owner's logbook grew, its node or somebody of its people objected, or it never named who asks.
func (s Standing) returned() Why {
	switch {
	case s.Reason != SilentOwner || s.strongest() == ByRoot: // the words say more
		return WhyNothing
	case s.OwnerSaid > s.ReceivedAt.Add(-s.Alive) || len(s.Vetoes) > 0:
		return WhyAlive
	case s.NoHeir:
		return WhyNoHeir
	}
	return WhyNothing
}

func (s Standing) strongest() Strength {
	found := Strength("")
	for _, v := range s.Vetoes {
		switch {
		case v.Strength == ByRoot:
			return ByRoot
		case v.Strength == ByCard:
			found = ByCard
		case found == "":
			found = v.Strength
		}
	}
	return found
}

// first is when the first veto of a strength came.
func (s Standing) first(of Strength) (at time.Duration, ok bool) {
	for _, v := range s.Vetoes {
		if v.Strength == of && (!ok || v.Ran < at) {
			at, ok = v.Ran, true
		}
	}
	return at, ok
}

func (s Standing) waiting(ran time.Duration) Verdict {
	full := max(s.Wait, s.Least)
	from, wait, why := s.ReceivedRan, full, WhyNothing
	if s.Sooner > s.Needed {
		wait, why = s.Least, WhySooner
	}
	if at, ok := s.first(ByNode); ok {
		from = max(from, at)
	}
	if at, ok := s.first(ByCard); ok {
		// A second full wait, whatever was agreed before.
		from, wait, why = max(from, at), full, WhyOverruled
		if s.Overrule <= s.Needed {
			return Verdict{State: Vetoed, Why: WhyCard}
		}
	}
	if left := from + wait - ran; left > 0 {
		return Verdict{State: Waiting, Why: why, Left: left}
	}
	return Verdict{State: Ready, Why: why}
}
