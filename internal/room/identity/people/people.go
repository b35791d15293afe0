package people

import (
	"context"
	"embed"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/person"
)

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Service is the hoster's side of accounts; all of it is required.
type Service struct {
	DB            *db.DB
	People        *person.Service
	Organisations *organisation.Service
	Log           *audit.Log
	Now           func() time.Time
	// Out ends everything a person is signed in to: sessions here, tokens of services,
	// sessions at other members. It runs in the transaction of what it follows.
	Out func(ctx context.Context, q db.Querier, who person.ID) error
	// Forget removes what lies here of a person beside the account: links, mails on their way,
	// requests, consents. It runs in the transaction that closes the account, with the person
	// as before.
	Forget func(ctx context.Context, q db.Querier, p person.Person) error
	// Invite draws the address where a person chooses how to sign in, once, within seven days.
	Invite func(ctx context.Context, q db.Querier, who person.ID, now core.Moment) (address string, err error)
	// Service returns CodeNotFound for a name that no service has.
	Service func(ctx context.Context, name string) error
	// Admitted tells a person who waited that the account is theirs to use.
	Admitted func(ctx context.Context, q db.Querier, p person.Person) error
	// Newcomers refuses new accounts: we close; nil = it does not.
	Newcomers func(ctx context.Context) error
}

// newcomers refuses new accounts while we close.
func (s *Service) newcomers(ctx context.Context) error {
	if s.Newcomers == nil {
		return nil
	}
	return s.Newcomers(ctx)
}

// Invited is an account that was made, and the address where its owner chooses how to sign in,
// once, within seven days; none for who waits.
type Invited struct {
	person.Person
	Address string
}

// Add makes an account without any way to sign in yet, and the address that leads to one: both,
// or neither. Returns what person.Create does, CodeInvalid "identity.people.role".
func (s *Service) Add(ctx context.Context, by person.Person, n person.New, roles ...person.Role) (made Invited, err error) {
	if !whole(by) {
		return made, denied()
	}
	for _, role := range roles {
		if err := checkRole(role); err != nil {
			return made, err
		}
	}
	if err := s.newcomers(ctx); err != nil {
		return made, err
	}
	now := core.At(s.Now())
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, err := person.Create(ctx, q, n, now)
		if err != nil {
			return err
		}
		made = Invited{Person: p}
		if err := audit.Append(ctx, q, now, audit.Event{Person: p.ID, Kind: audit.Invited, By: by.ID}); err != nil {
			return err
		}
		if len(roles) > 0 {
			if made.Person, err = person.Change(ctx, q, p.ID, func(p *person.Person) error { p.Roles = roles; return nil }); err != nil {
				return err
			}
			if err := audit.Append(ctx, q, now, audit.Event{Person: p.ID, Kind: audit.RoleChanged, By: by.ID}); err != nil {
				return err
			}
		}
		if p.Status == person.Active {
			made.Address, err = s.Invite(ctx, q, p.ID, now)
		}
		return err
	})
	return made, err
}

// Link draws a new address where a person of ours chooses how to sign in; one drawn before is
// good no longer. Who has it is let in. Returns CodeDenied, CodeConflict
// "identity.people.not_active".
func (s *Service) Link(ctx context.Context, by person.Person, who person.ID) (address string, err error) {
	if !whole(by) {
		return "", denied()
	}
	now := core.At(s.Now())
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, err := person.Get(ctx, q, who)
		if err != nil {
			return err
		}
		if p.Status != person.Active || p.Kind != person.Local {
			return core.Conflict("identity.people.not_active", errors.New("no account to sign in to")).With("Handle", p.Handle)
		}
		if address, err = s.Invite(ctx, q, who, now); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: who, Kind: audit.Invited, By: by.ID})
	})
	return address, err
}

// Admit lets somebody in who asked for an account and waits. Returns CodeConflict
// "identity.people.not_waiting".
func (s *Service) Admit(ctx context.Context, by person.Person, who person.ID) (person.Person, error) {
	if err := s.newcomers(ctx); err != nil {
		return person.Person{}, err
	}
	return s.status(ctx, by, who, change{audit.Admitted, person.Waiting, person.Active, "identity.people.not_waiting"})
}

// Refuse does not let in who asked for an account and waits: the account is closed, and its
// handle stays taken. Returns CodeConflict "identity.people.not_waiting".
func (s *Service) Refuse(ctx context.Context, by person.Person, who person.ID) (person.Person, error) {
	return s.end(ctx, by, who, func(was person.Person) error {
		switch {
		case !mayTouch(by, was):
			return denied()
		case was.Status != person.Waiting:
			return core.Conflict("identity.people.not_waiting", errors.New("is "+string(was.Status))).With("Handle", was.Handle)
		}
		return nil
	})
}

// Suspend keeps somebody out: whatever they are signed in to ends; nothing is lost.
// Returns CodeConflict "identity.people.not_active".
func (s *Service) Suspend(ctx context.Context, by person.Person, who person.ID) (person.Person, error) {
	return s.status(ctx, by, who, change{audit.Suspended, person.Active, person.Suspended, "identity.people.not_active"})
}

// Resume takes a suspension back. Returns CodeConflict "identity.people.not_suspended".
func (s *Service) Resume(ctx context.Context, by person.Person, who person.ID) (person.Person, error) {
	return s.status(ctx, by, who, change{audit.Resumed, person.Suspended, person.Active, "identity.people.not_suspended"})
}

// change is one step from one status to another.
type change struct {
	kind     audit.Kind
	from, to person.Status
	not      string // words key when the person does not stand at from
}

func (s *Service) status(ctx context.Context, by person.Person, who person.ID, c change) (person.Person, error) {
	return s.change(ctx, by, who, c.kind, func(p *person.Person) error {
		if p.Status != c.from {
			return core.Conflict(c.not, errors.New("is "+string(p.Status))).With("Handle", p.Handle)
		}
		p.Status = c.to
		return nil
	})
}

// SetRole gives a role or takes it away. Returns CodeInvalid "identity.people.role",
// CodeConflict "identity.person.last_admin", CodeDenied "identity.person.visitor_role".
func (s *Service) SetRole(ctx context.Context, by person.Person, who person.ID, role person.Role, has bool) (person.Person, error) {
	if err := checkRole(role); err != nil {
		return person.Person{}, err
	}
	if !whole(by) {
		return person.Person{}, denied()
	}
	return s.change(ctx, by, who, audit.RoleChanged, func(p *person.Person) error {
		p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r person.Role) bool { return r == role })
		if has {
			p.Roles = append(p.Roles, role)
		}
		return nil
	})
}

func checkRole(role person.Role) error {
	if role != person.Admin && role != person.Moderator {
		return core.Invalid("identity.people.role", errors.New("no such role"))
	}
	return nil
}

// change has a person changed, ends what they are signed in to when they may not be any
// more, and notes it.
func (s *Service) change(ctx context.Context, by person.Person, who person.ID, kind audit.Kind, fn func(p *person.Person) error) (p person.Person, err error) {
	now := core.At(s.Now())
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, err = person.Change(ctx, q, who, func(p *person.Person) error {
			if !mayTouch(by, *p) {
				return denied()
			}
			return fn(p)
		})
		if err != nil {
			return err
		}
		if p.Status != person.Active || kind == audit.RoleChanged {
			if err := s.Out(ctx, q, who); err != nil {
				return err
			}
		}
		if kind == audit.Admitted {
			if err := s.Admitted(ctx, q, p); err != nil {
				return err
			}
		}
		return audit.Append(ctx, q, now, audit.Event{Person: who, Kind: kind, By: by.ID})
	})
	return p, err
}

// Close ends an account for good, with all that proves who its owner is. The person does it
// (by is them) or an admin.
func (s *Service) Close(ctx context.Context, by person.Person, who person.ID) (person.Person, error) {
	return s.end(ctx, by, who, func(person.Person) error {
		if !whole(by) && by.ID != who {
			return denied()
		}
		return nil
	})
}

// end closes an account, when may says nothing against it.
func (s *Service) end(ctx context.Context, by person.Person, who person.ID, may func(was person.Person) error) (p person.Person, err error) {
	now := core.At(s.Now())
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		was, err := person.Get(ctx, q, who)
		if err == nil {
			err = may(was)
		}
		if err != nil {
			return err
		}
		if p, err = person.Close(ctx, q, who, now); err != nil {
			return err
		}
		if err := errors.Join(organisation.Leave(ctx, q, who), credential.Forget(ctx, q, who), s.Out(ctx, q, who), s.Forget(ctx, q, was)); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: who, Kind: audit.ClosedAccount, By: by.ID})
	})
	return p, err
}

// whole says whether somebody may do all of it: a command, or an admin.
func whole(by person.Person) bool { return by.ID == "" || by.Is(person.Admin) }

// mayTouch says whether somebody may change an account's status.
func mayTouch(by, p person.Person) bool {
	return whole(by) || by.Is(person.Moderator) && len(p.Roles) == 0
}

func denied() error {
	return core.Denied("identity.people.not_allowed", errors.New("neither an admin nor a moderator"))
}
