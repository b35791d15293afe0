package person

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// ID names a person for ever: 128 random bits as 26 letters and digits (base 32, lower
// case). At home it is the `sub` that other members are told.
type ID string

// NewID draws an id.
func NewID() ID {
	return ID(strings.ToLower(rand.Text())) // 26 characters, at least 128 bits
}

// Valid says whether it has the form of an id.
func (id ID) Valid() bool {
	return len(id) == 26 && strings.IndexFunc(string(id), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '2' || r > '7')
	}) < 0
}

// Kind says where a person's account is.
type Kind string

// The kinds of people.
const (
	Local   Kind = "local"   // here
	Visitor Kind = "visitor" // at another member; never an admin here
)

// Status says what a person may do.
type Status string

// The states of an account.
const (
	Waiting   Status = "waiting"   // asked for an account on a node where a person decides
	Active    Status = "active"    // may sign in
	Suspended Status = "suspended" // may not, by an admin's decision; nothing is lost
	Closed    Status = "closed"    // has left; id and handle stay taken
)

// Choice is what a person wants done with account and data on the day the hoster closes.
type Choice string

// The choices; a person can change theirs until the last day.
const (
	Archive  Choice = "archive"  // keep a copy for me to fetch: what silence means too
	HandOver Choice = "handover" // hand my data over to the hoster that takes my service over
	Erase    Choice = "erase"    // erase all of it
)

// ParseChoice reads a choice; empty is Archive. Returns CodeInvalid "identity.person.choice".
func ParseChoice(s string) (Choice, error) {
	switch c := Choice(s); c {
	case "":
		return Archive, nil
	case Archive, HandOver, Erase:
		return c, nil
	default:
		return "", core.Invalid("identity.person.choice", errors.New("no such choice"))
	}
}

// Role is what a person may do for all of the hoster, beside using it.
type Role string

// The roles.
const (
	Admin     Role = "admin"     // the admin pages
	Moderator Role = "moderator" // people: sign-ups, suspension; nothing else
)

// Person is one account. The zero value is nobody.
type Person struct {
	ID     ID
	Handle string // unique, as ParseHandle wrote it; a visitor's is VisitorHandle
	Name   string // as other people read it, at most 100 characters; may be empty
	Lang   string // "fr" or "en"
	Kind   Kind
	Status Status
	// Mail is the verified address; empty = none yet. Two people never have one.
	Mail   string
	Choice Choice
	Roles  []Role
	Made   core.Moment
	Ended  core.Moment // when it was closed; 0 = it is not
}

// Is says whether the person is active here and has a role. A visitor has none.
func (p Person) Is(role Role) bool {
	return p.Kind == Local && p.Status == Active && slices.Contains(p.Roles, role)
}

// Called is the name to show: the name, or the handle where there is none.
func (p Person) Called() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Handle
}
