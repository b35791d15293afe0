package session

import (
	"slices"
	"sync"

	"entrechat/internal/core"
)

// Way is how somebody signs in, for counting.
type Way string

// The ways.
const (
	ByPassword Way = "password" // or a link that was drawn for them
	ByCode     Way = "code"     // a password or passkey, then a one-time or recovery code
	ByPasskey  Way = "passkey"
	ByHome     Way = "home" // a visitor, signed in by another member
)

// Outcome is how a try to sign in ended, for counting.
type Outcome string

// The outcomes.
const (
	In     Outcome = "in"
	Wrong  Outcome = "wrong"  // what they showed does not hold, or came too late
	Denied Outcome = "denied" // it holds, and they may not
	Later  Outcome = "later"  // too many tries, or too much work: they may come again
	Failed Outcome = "failed" // our fault
)

// ways and outcomes are all of them, in the order they are shown.
func ways() []Way         { return []Way{ByPassword, ByCode, ByPasskey, ByHome} }
func outcomes() []Outcome { return []Outcome{In, Wrong, Denied, Later, Failed} }

// Count is how many tries of one way ended in one way since the process began.
type Count struct {
	Way     Way
	Outcome Outcome
	Count   int64
}

// tries counts. The zero value is ready.
type tries struct {
	mu  sync.Mutex
	all map[Count]int64 // by a Count of 0
}

func (t *tries) add(way Way, how Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[Count]int64{}
	}
	t.all[Count{way, how, 0}]++
}

// Missed counts a try that did not sign in, by its error; nil counts nothing. Who was signed
// in is counted by Start.
func (s *Sessions) Missed(way Way, err error) {
	if err == nil {
		return
	}
	how := Failed
	switch core.CodeOf(err) {
	case core.CodeInvalid, core.CodeNotFound:
		how = Wrong
	case core.CodeDenied, core.CodeConflict:
		how = Denied
	case core.CodeUnsure, core.CodeFull:
		how = Later
	case core.CodeInternal:
	}
	s.tries.add(way, how)
}

// Tries are all counts since the process began, those of 0 too.
func (s *Sessions) Tries() []Count {
	s.tries.mu.Lock()
	defer s.tries.mu.Unlock()
	all := make([]Count, 0, len(ways())*len(outcomes()))
	for _, way := range ways() {
		for _, how := range outcomes() {
			all = append(all, Count{way, how, s.tries.all[Count{way, how, 0}]})
		}
	}
	return all
}

// way is how a login came about.
func (l Login) way() Way {
	switch {
	case l.Home != "":
		return ByHome
	case slices.Contains(l.AMR, "otp"):
		return ByCode
	case slices.Contains(l.AMR, "pop"):
		return ByPasskey
	default:
		return ByPassword
	}
}
