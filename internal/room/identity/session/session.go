package session

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const (
	// Idle is how long a session lives that nobody uses.
	Idle = 30 * 24 * time.Hour
	// Longest is how long any session lives.
	Longest = 90 * 24 * time.Hour
	// FreshFor is how long after signing in somebody may do what needs a step-up.
	FreshFor = 10 * time.Minute
	// AdminFor is how long after signing in an admin has the admin's half.
	AdminFor = 12 * time.Hour
	// touchEvery is how exactly we know when a session was last used: a write for each
	// page would cost more than the page.
	touchEvery = 5 * time.Minute
	// most is how many sessions one person has; a further one ends the oldest.
	most = 50
)

// Session is one person's stay in one browser. The zero value is nobody's.
type Session struct {
	ID      string // 26 letters and digits; services know it as `sid`
	Person  person.ID
	Home    core.MemberID // where a visitor proved who they are; empty = here
	AMR     []string      // how, RFC 8176; never empty
	Made    core.Moment
	Auth    core.Moment // when they last proved it
	Seen    core.Moment // last use, exact to five minutes
	Network string      // as wide as a household: /24 or /48; empty = not known
	Agent   string      // "Firefox, Linux"; empty = not known
}

// Login is a person who just proved who they are.
type Login struct {
	Person person.ID
	Home   core.MemberID // empty = here
	AMR    []string
	At     core.Moment // when they proved it; 0 = now
	// With writes what belongs to the session, in the transaction that opens it: both are, or
	// neither is. nil = nothing.
	With func(ctx context.Context, q db.Querier, opened Session) error
}

// Open says whether the session has not run out.
func (s Session) Open(now core.Moment) bool {
	return now.Sub(s.Seen) < Idle && now.Sub(s.Made) < Longest
}

// Strong says whether the person showed more than a password: a passkey, or two factors.
func (s Session) Strong() bool { return slices.Contains(s.AMR, "mfa") || slices.Contains(s.AMR, "pop") }

// Fresh says whether the person proved who they are within the last ten minutes.
func (s Session) Fresh(now core.Moment) bool { return now.Sub(s.Auth) < FreshFor }
