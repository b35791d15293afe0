package pact

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
)

// DSSE payload types of the two documents of a pact.
const (
	Type       = "application/vnd.entrechat.pact.v1+json"
	AcceptType = "application/vnd.entrechat.pact-acceptance.v1+json"
)

// termsV1 names the words of the convention both agree to. The words of a
// version never change; a changed convention gets a new name.
const termsV1 = "entrechat/convention/1"

const day = 24 * time.Hour

const (
	defaultNotice = 90 // days
	minNotice     = 7
	maxNotice     = 1095
	defaultOpen   = 30 * day // how long a proposal waits for its answer
	maxOpen       = 90 * day
	maxPayload    = 32 << 10 // bytes
)

// Party is one side of a pact as the proposer wrote it down.
type Party struct {
	member.Address
	Grants []core.Grant `json:"grants"` // what this party promises the other
	Card   Card         `json:"card,omitzero"`
}

// Pact is the payload both sign: facts only. The convention people read is made
// from it and from the fixed words its terms name.
//
// spec: docs/spec/pact.md#payload
type Pact struct {
	V          int64       `json:"v"`     // 1
	Terms      string      `json:"terms"` // entrechat/convention/1
	Nonce      string      `json:"nonce"` // 26 characters; makes two equal proposals two pacts
	Made       core.Moment `json:"made_us"`
	OpenUntil  core.Moment `json:"open_until_us"` // nobody can accept it later
	Proposer   Party       `json:"proposer"`
	Accepter   Party       `json:"accepter"` // its card comes with the acceptance
	NoticeDays int64       `json:"notice_days"`
	Review     string      `json:"review,omitzero"` // YYYY-MM-DD, when both look at it again
	Purpose    string      `json:"purpose,omitzero"`
}

// Acceptance is what the accepter signs beside the pact: which pact, and what it
// says of itself.
//
// spec: docs/spec/pact.md#acceptance
type Acceptance struct {
	V        int64         `json:"v"`    // 1
	Pact     string        `json:"pact"` // id
	Accepter core.MemberID `json:"accepter"`
	Card     Card          `json:"card,omitzero"`
	At       core.Moment   `json:"at_us"`
}

// Check returns CodeInvalid for an acceptance that does not belong to the pact
// or could not be printed.
func (a Acceptance) Check(id string, p Pact) error {
	if a.V != 1 || a.Pact != id || a.Accepter != p.Accepter.Member || a.At <= 0 {
		return core.Invalid("trust.bad_acceptance", errors.New("the acceptance belongs to another pact"))
	}
	return a.Card.Check()
}

var (
	nonceForm  = regexp.MustCompile(`^[A-Z2-7]{26}$`)
	reviewForm = regexp.MustCompile(`^2[0-9]{3}-[0-9]{2}-[0-9]{2}$`)
)

// Check returns CodeInvalid for a pact nobody should sign.
func (p Pact) Check(types grant.Types) error {
	bad := func(why string) error {
		return core.Invalid("trust.bad_pact", fmt.Errorf("pact: %s", why)).With("Why", why)
	}
	_, dateErr := time.Parse(time.DateOnly, p.Review)
	switch {
	case p.V != 1 || p.Terms != termsV1:
		return bad("unknown version or terms")
	case !nonceForm.MatchString(p.Nonce):
		return bad("no nonce")
	case p.Proposer.Member == p.Accepter.Member || p.Proposer.Root == p.Accepter.Root:
		return bad("one member twice")
	case p.Accepter.Card != (Card{}):
		return bad("the accepter speaks for itself")
	case !between(p.NoticeDays, minNotice, maxNotice):
		return bad("notice is not between 7 days and 3 years")
	case p.Made <= 0 || p.OpenUntil <= p.Made || p.OpenUntil > p.Made.Add(maxOpen):
		return bad("open for no time, or for longer than 90 days")
	case p.Review != "" && (dateErr != nil || !reviewForm.MatchString(p.Review)):
		return bad("review is not a date YYYY-MM-DD")
	case len(p.Proposer.Grants)+len(p.Accepter.Grants) == 0:
		return bad("nobody promises anything")
	}
	for _, party := range []Party{p.Proposer, p.Accepter} {
		if err := errors.Join(party.Check(), types.Check(party.Grants), party.Card.Check()); err != nil {
			return err
		}
	}
	return document.CheckProse("purpose", p.Purpose, document.MaxProse)
}

// State is where a pact stands at a moment.
type State string

// The states. Only active gives rights; ending lets data be fetched back.
const (
	Proposed  State = "proposed"  // waits for the accepter
	Active    State = "active"    // both signed
	Ending    State = "ending"    // somebody ended it, the notice runs
	Ended     State = "ended"     // the notice is over
	Declined  State = "declined"  // the accepter said no
	Withdrawn State = "withdrawn" // the proposer took it back before an answer
	Lapsed    State = "lapsed"    // nobody answered in time
)

// Record is a pact as this node has it: the text and what happened to it.
type Record struct {
	ID       string
	Pact     Pact
	Accepted *Acceptance // nil until the second signature is here
	// Closed is when this node learned that a party declined, withdrew or ended
	// it, by this node's clock: a date somebody else writes could cut the notice
	// short. Zero = open. Nothing opens a pact again.
	Closed   core.Moment
	ClosedBy core.MemberID
	// SignedAt is when this node saw both signatures; zero = not yet.
	SignedAt core.Moment
}

// State computes where the pact stands.
//
// spec: docs/spec/pact.md#states
func (h Record) State(now core.Moment) State {
	switch {
	case h.Accepted != nil && h.Closed == 0:
		return Active
	case h.Accepted != nil && now < h.Until():
		return Ending
	case h.Accepted != nil:
		return Ended
	case h.Closed != 0 && h.ClosedBy == h.Pact.Accepter.Member:
		return Declined
	case h.Closed != 0:
		return Withdrawn
	case now >= h.Pact.OpenUntil:
		return Lapsed
	}
	return Proposed
}

// Until is when the notice of a closed pact is over; zero while it is open.
func (h Record) Until() core.Moment {
	if h.Closed == 0 {
		return 0
	}
	return h.Closed.Add(h.Pact.notice())
}

// Accept adds the second signature's statement. It may come again, late, or
// after the pact was closed: once closed or lapsed, nothing makes it active.
// Returns CodeConflict then.
func (h Record) Accept(a Acceptance, now core.Moment) (Record, error) {
	switch h.State(now) {
	case Active, Ending, Ended:
		return h, nil // a repeated delivery
	case Proposed:
		h.Accepted, h.SignedAt = &a, now
		return h, nil
	case Lapsed, Declined, Withdrawn:
	}
	return h, pactClosed(h.ID)
}

// KeyClosed names the refusal of anything that would open a pact again.
const KeyClosed = "trust.pact_closed"

func unknownPact(id string) error {
	return core.NotFound("trust.unknown_pact", fmt.Errorf("no pact %.64q", id)).With("ID", document.Short(id))
}

func pactClosed(id string) error {
	return core.Conflict(KeyClosed, fmt.Errorf("pact %s is closed", id)).With("ID", document.Short(id))
}

// Close ends the pact for one of its parties: it withdraws, declines or gives
// notice, whatever the state makes of it. Closing twice changes nothing.
// Returns CodeDenied for anybody else.
func (h Record) Close(by core.MemberID, now core.Moment) (Record, error) {
	if by != h.Pact.Proposer.Member && by != h.Pact.Accepter.Member {
		return h, core.Denied("trust.not_party", fmt.Errorf("%s is no party of pact %s", by, h.ID))
	}
	if h.Closed == 0 {
		h.Closed, h.ClosedBy = now, by
	}
	return h, nil
}

// Side returns one party and the other one.
func (h Record) Side(id core.MemberID) (mine, theirs Party) {
	if h.Pact.Proposer.Member == id {
		return h.Pact.Proposer, h.Pact.Accepter
	}
	return h.Pact.Accepter, h.Pact.Proposer
}

// CardOf is what a party said of itself; zero until it did.
func (h Record) CardOf(id core.MemberID) Card {
	if h.Pact.Proposer.Member == id {
		return h.Pact.Proposer.Card
	}
	if h.Accepted == nil {
		return Card{}
	}
	return h.Accepted.Card
}

// Promise is what a party promises of a kind.
func (p Party) Promise(kind core.GrantKind) (core.Grant, bool) {
	i := slices.IndexFunc(p.Grants, func(g core.Grant) bool { return g.Kind == kind })
	if i < 0 {
		return core.Grant{}, false
	}
	return p.Grants[i], true
}

// notice is a pact's notice as a duration.
func (p Pact) notice() time.Duration { return time.Duration(p.NoticeDays) * day }

func between(n, low, high int64) bool { return n >= low && n <= high }
