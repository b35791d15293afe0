package home

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// State says whether a visitor's place at a home counts.
type State string

// The states.
const (
	Active State = "active"
	Moved  State = "moved" // the person is at home elsewhere now
)

// Visitor is a person here, and who they are at home.
type Visitor struct {
	Home   core.MemberID
	Sub    string // at home, for ever
	Person person.ID
	Handle string // at home, when last seen
	State  State
	Made   core.Moment
	Seen   core.Moment
}

// Told is what a home said of one of its people, signed by its keys.
type Told struct {
	Sub    string
	Handle string // preferred_username
	Name   string
	Lang   string
	Mail   string // as told; whether it counts is for Homes.Mail to say
}

// sub is the form of a `sub` of a home: ours are 26 letters and digits.
var sub = regexp.MustCompile(`^[A-Za-z0-9_.~-]{1,64}$`)

// day is within what new people of a home are counted.
const day = 24 * time.Hour

// Coming is one home's people coming in now.
type Coming struct {
	Home core.MemberID
	Most int64 // how many new people it may bring within a day
	Now  core.Moment
}

// Admit finds the person that a home's person is here, and makes one at the first visit;
// fresh says so. What the home tells of name and language is kept for who came for the first time only: afterwards a
// person changes it here. Returns CodeInvalid "identity.home.told" for what no home may
// say, CodeDenied "identity.home.moved" when the person is at home elsewhere now,
// CodeFull "identity.home.too_many".
func (c Coming) Admit(ctx context.Context, q db.Querier, told Told) (p person.Person, fresh bool, err error) {
	home, now := c.Home, c.Now
	if !sub.MatchString(told.Sub) {
		return p, false, core.Invalid("identity.home.told", errors.New("not the form of a sub"))
	}
	v, known, err := visitor(ctx, q, home, told.Sub)
	if err != nil {
		return p, false, err
	}
	if known {
		if v.State != Active {
			return p, false, core.Denied("identity.home.moved", errors.New("moved")).With("Member", string(home))
		}
		v.Handle, v.Seen = told.Handle, now
		if _, err := person.VisitorHandle(v.Handle, home); err != nil {
			return p, false, core.Invalid("identity.home.told", err)
		}
		if err := updateVisitor(ctx, q, v); err != nil {
			return p, false, err
		}
		p, err = person.Get(ctx, q, v.Person)
		return p, false, err
	}
	n, err := newSince(ctx, q, home, now.Add(-day))
	if err != nil {
		return p, false, err
	}
	if n >= c.Most {
		return p, false, core.Full("identity.home.too_many", errors.New("too many new people in a day")).With("Member", string(home))
	}
	if p, err = person.CreateVisitor(ctx, q, told.Handle, home, now); err != nil {
		return p, false, err
	}
	if p, err = greet(ctx, q, p, told); err != nil {
		return p, false, err
	}
	return p, true, insertVisitor(ctx, q, Visitor{home, told.Sub, p.ID, told.Handle, Active, now, now})
}

// greet takes over name and language; what is not usable is left out, and keeps nobody out.
func greet(ctx context.Context, q db.Querier, p person.Person, told Told) (person.Person, error) {
	was := p
	p, err := person.Change(ctx, q, p.ID, func(p *person.Person) error {
		p.Name = told.Name
		if told.Lang == "fr" || told.Lang == "en" {
			p.Lang = told.Lang
		}
		return nil
	})
	if core.CodeOf(err) == core.CodeInvalid {
		return was, nil
	}
	return p, err
}

// Find is the person of a home, as they are known here; false for who never came.
func Find(ctx context.Context, q db.Querier, home core.MemberID, sub string) (Visitor, bool, error) {
	return visitor(ctx, q, home, sub)
}

// Of lists where a visitor was and is at home, the newest last; nobody for a person of ours.
func (h *Homes) Of(ctx context.Context, who person.ID) ([]Visitor, error) {
	return homesOf(ctx, h.DB, who)
}

// Visitors lists the people of a home that are here.
func (h *Homes) Visitors(ctx context.Context, id core.MemberID) ([]Visitor, error) {
	return visitorsOf(ctx, h.DB, id)
}

// Crowd is how many people of a home are here.
type Crowd struct {
	Home  core.MemberID
	Count int
}

// Crowds are how many people of each home are here, the most first; homes without any are
// left out.
func (h *Homes) Crowds(ctx context.Context) ([]Crowd, error) {
	all, err := counts(ctx, h.DB, 0)
	crowds := make([]Crowd, 0, len(all))
	for _, c := range all {
		if c.here > 0 {
			crowds = append(crowds, Crowd{c.home, c.here})
		}
	}
	slices.SortStableFunc(crowds, func(a, b Crowd) int { return cmp.Compare(b.Count, a.Count) })
	return crowds, err
}

// Repoint makes a person, who is here as a visitor of one home, a visitor of another: the
// same person here, so no service notices. Whether both homes agreed is for the caller to
// know. Returns CodeNotFound "identity.home.no_visitor", CodeConflict
// "identity.home.is_another" when the new place is another person's here already.
func Repoint(ctx context.Context, q db.Querier, from, to Visitor, now core.Moment) error {
	was, known, err := visitor(ctx, q, from.Home, from.Sub)
	if err != nil {
		return err
	}
	if !known || was.State != Active {
		return core.NotFound("identity.home.no_visitor", errors.New("no such visitor"))
	}
	if !sub.MatchString(to.Sub) || !to.Home.Valid() {
		return core.Invalid("identity.home.told", errors.New("not a place at a home"))
	}
	if _, err := person.VisitorHandle(to.Handle, to.Home); err != nil {
		return core.Invalid("identity.home.told", err)
	}
	other, taken, err := visitor(ctx, q, to.Home, to.Sub)
	if err != nil {
		return err
	}
	was.State = Moved
	if err := updateVisitor(ctx, q, was); err != nil {
		return err
	}
	if taken {
		if other.Person != was.Person {
			return core.Conflict("identity.home.is_another", errors.New("another person here"))
		}
		other.State, other.Seen = Active, now
		return updateVisitor(ctx, q, other)
	}
	return insertVisitor(ctx, q, Visitor{to.Home, to.Sub, was.Person, to.Handle, Active, now, now})
}
