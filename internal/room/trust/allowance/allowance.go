// Package allowance says what one member may do at another now: the largest promise of
// the pacts in force and of the charters both are admitted to, and what is left of it
// when a pact ended or a member is suspended or refused. Pure rules; now is an argument.
//
// Source: docs/spec/trust.md#allowance
package allowance

import (
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/pact"
)

// Standpoint is everything the answer to "may it?" depends on, about one other
// member.
type Standpoint struct {
	Who    core.MemberID
	Known  bool // its logbook is followed under the pinned key
	Barred bool // suspended by its own logbook, or refused by this hoster
	Pacts  []pact.Record
	Types  grant.Types  // the promises this house knows
	Light  []core.Grant // from the charters both are admitted to
	Heard  core.Moment
}

// Allow computes what the giver allows Who. Active pacts and charters give the
// largest promise of the kind. A barred member and one whose pact ended lose
// that at once and keep only the reading of what they left here: until the end
// of the notice, or, barred, with no end set. Returns CodeDenied for nothing.
//
// spec: docs/spec/trust.md#allowance
func (s Standpoint) Allow(kind core.GrantKind, now core.Moment) (core.Allowance, error) {
	if !s.Known {
		return core.Allowance{}, s.denied(kind)
	}
	best, found := s.Active(kind, now)
	switch {
	case found && !s.Barred:
		return core.Allowance{Grant: best}, nil
	case !s.Types.Fetchable(kind):
		return core.Allowance{}, s.denied(kind)
	case found:
		return core.Allowance{Grant: best, ReadOnly: true}, nil
	}
	return s.leaving(kind, now)
}

// Active is the largest promise in force, as if the member were not barred.
func (s Standpoint) Active(kind core.GrantKind, now core.Moment) (best core.Grant, found bool) {
	take := func(g core.Grant) {
		if g.Kind != kind {
			return
		}
		if found {
			g = s.Types.Larger(best, g)
		}
		best, found = g, true
	}
	for _, h := range s.Pacts {
		if _, giver := h.Side(s.Who); h.State(now) == pact.Active {
			if g, ok := giver.Promise(kind); ok {
				take(g)
			}
		}
	}
	for _, g := range s.Light {
		if s.Types.Light(g.Kind) {
			take(g)
		}
	}
	return best, found
}

// leaving is what pacts under notice still allow: reading, until the last of
// the notices is over.
func (s Standpoint) leaving(kind core.GrantKind, now core.Moment) (core.Allowance, error) {
	var out core.Allowance
	for _, h := range s.Pacts {
		_, giver := h.Side(s.Who)
		g, ok := giver.Promise(kind)
		if !ok || h.State(now) != pact.Ending || h.Until() <= out.Until {
			continue
		}
		out = core.Allowance{Grant: g, ReadOnly: true, Until: h.Until()}
	}
	if !out.ReadOnly {
		return out, s.denied(kind)
	}
	return out, nil
}

// Left is when the last notice of a pact with such a promise is, or was, over; zero = none
// was ended.
func (s Standpoint) Left(kind core.GrantKind) (until core.Moment) {
	for _, h := range s.Pacts {
		_, giver := h.Side(s.Who)
		if _, ok := giver.Promise(kind); ok && h.Accepted != nil {
			until = max(until, h.Until())
		}
	}
	return until
}

func (s Standpoint) denied(kind core.GrantKind) error {
	return core.Denied("trust.no_grant", fmt.Errorf("%s has no %s grant", s.Who, kind)).
		With("Member", s.Who).With("Kind", kind)
}
