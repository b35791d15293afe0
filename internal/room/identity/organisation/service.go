package organisation

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

// Service makes organisations and says who is in them.
type Service struct {
	DB  *db.DB
	Now func() time.Time
}

// Create makes an organisation without people. Its handle has the form of a person's.
// Returns CodeInvalid "identity.person.handle", "identity.person.name", CodeConflict
// "identity.organisation.taken".
func (s *Service) Create(ctx context.Context, handle, name string) (o Organisation, err error) {
	o = Organisation{Made: core.At(s.Now())}
	if o.Handle, err = person.ParseHandle(handle); err != nil {
		return o, err
	}
	if o.Name, err = person.ParseName(name); err != nil {
		return o, err
	}
	return o, s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		made, err := insert(ctx, q, o)
		if err == nil && !made {
			err = core.Conflict("identity.organisation.taken", errors.New("there is one")).With("Handle", o.Handle)
		}
		if err != nil {
			return err
		}
		return audit.Append(ctx, q, o.Made, audit.Event{Kind: audit.OrgMade, About: o.Handle})
	})
}

// List lists all organisations in the order of their handles.
func (s *Service) List(ctx context.Context) ([]Organisation, error) { return list(ctx, s.DB) }

// Get finds one. Returns CodeNotFound "identity.organisation.none".
func (s *Service) Get(ctx context.Context, handle string) (Organisation, error) {
	return get(ctx, s.DB, handle)
}

// Remove ends an organisation; its people stay. A service that was for it alone would be
// for everybody then: that is refused. Returns CodeNotFound "identity.organisation.none",
// CodeConflict "identity.organisation.only_one".
func (s *Service) Remove(ctx context.Context, handle string) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := get(ctx, q, handle); err != nil {
			return err
		}
		clients, err := uses(ctx, q, handle)
		if err != nil {
			return err
		}
		for _, client := range clients {
			if err := othersToo(ctx, q, client, handle); err != nil {
				return err
			}
		}
		in, err := members(ctx, q, handle)
		if err != nil {
			return err
		}
		if err := remove(ctx, q, handle); err != nil {
			return err
		}
		now := core.At(s.Now())
		for _, m := range in { // each sees in the log of their account that they are in it no more
			if err := audit.Append(ctx, q, now, audit.Event{Person: m.Person, Kind: audit.OrgChanged, About: handle}); err != nil {
				return err
			}
		}
		return audit.Append(ctx, q, now, audit.Event{Kind: audit.OrgRemoved, About: handle})
	})
}

func othersToo(ctx context.Context, q db.Querier, client, handle string) error {
	reserved, err := only(ctx, q, client)
	if err == nil && len(reserved) == 1 && reserved[0] == handle {
		return core.Conflict("identity.organisation.only_one", errors.New("the service would be for everybody")).With("Service", client)
	}
	return err
}

// Join puts a person into an organisation, or changes whether they manage it. by is who
// does it; the zero person is the hoster itself (a command). A manager makes no managers.
// Returns CodeDenied "identity.organisation.not_yours", CodeNotFound.
func (s *Service) Join(ctx context.Context, by person.Person, handle string, who person.ID, manager bool) error {
	return s.change(ctx, by, handle, who, func(ctx context.Context, q db.Querier, now core.Moment) error {
		if by.ID == who {
			own, err := of(ctx, q, by.ID)
			if err != nil {
				return err
			}
			if !manages(by, own, handle) {
				return denied() // leaving is all that everybody may
			}
		}
		if _, err := person.Get(ctx, q, who); err != nil {
			return err
		}
		if by.ID != "" && !by.Is(person.Admin) {
			was, err := of(ctx, q, who)
			if err != nil {
				return err
			}
			if manager != manages(person.Person{Status: person.Active}, was, handle) {
				return denied()
			}
		}
		return join(ctx, q, Membership{Organisation: handle, Person: who, Manager: manager, Since: now})
	})
}

// Leave takes a person out of an organisation; everybody may leave one themselves.
// Returns CodeDenied "identity.organisation.not_yours", CodeNotFound
// "identity.organisation.not_in".
func (s *Service) Leave(ctx context.Context, by person.Person, handle string, who person.ID) error {
	return s.change(ctx, by, handle, who, func(ctx context.Context, q db.Querier, _ core.Moment) error {
		was, err := leave(ctx, q, handle, who)
		if err == nil && !was {
			err = core.NotFound("identity.organisation.not_in", errors.New("not in it"))
		}
		return err
	})
}

// change does something about one person's membership, and notes it.
func (s *Service) change(ctx context.Context, by person.Person, handle string, who person.ID, do func(ctx context.Context, q db.Querier, now core.Moment) error) error {
	now := core.At(s.Now())
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := get(ctx, q, handle); err != nil {
			return err
		}
		own, err := of(ctx, q, by.ID)
		if err != nil {
			return err
		}
		if by.ID != "" && !manages(by, own, handle) && by.ID != who {
			return denied()
		}
		if err := do(ctx, q, now); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: who, Kind: audit.OrgChanged, By: by.ID, About: handle})
	})
}

// Members lists who is in an organisation, for its managers, the admins, and the zero
// person (a command). Returns CodeDenied "identity.organisation.not_yours", CodeNotFound.
func (s *Service) Members(ctx context.Context, by person.Person, handle string) ([]Membership, error) {
	if _, err := get(ctx, s.DB, handle); err != nil {
		return nil, err
	}
	own, err := of(ctx, s.DB, by.ID)
	if err != nil {
		return nil, err
	}
	if by.ID != "" && !manages(by, own, handle) {
		return nil, denied()
	}
	return members(ctx, s.DB, handle)
}

// Reserve makes a service one for an organisation: from the first on it is for nobody
// else. Returns CodeNotFound "identity.organisation.none".
func (s *Service) Reserve(ctx context.Context, client, handle string) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := get(ctx, q, handle); err != nil {
			return err
		}
		first, err := open(ctx, q, client, handle)
		if err != nil || !first {
			return err
		}
		return audit.Append(ctx, q, core.At(s.Now()), audit.Event{Kind: audit.ServiceReserved, About: client + " " + handle})
	})
}

// Release takes that back. With the last one gone the service is for everybody.
func (s *Service) Release(ctx context.Context, client, handle string) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		was, err := shut(ctx, q, client, handle)
		if err != nil || !was {
			return err
		}
		return audit.Append(ctx, q, core.At(s.Now()), audit.Event{Kind: audit.ServiceReleased, About: client + " " + handle})
	})
}

// ReservedFor lists the organisations a service is for; none = everybody.
func (s *Service) ReservedFor(ctx context.Context, client string) ([]string, error) {
	return only(ctx, s.DB, client)
}

// Uses lists the services that are for an organisation.
func (s *Service) Uses(ctx context.Context, handle string) ([]string, error) {
	return uses(ctx, s.DB, handle)
}

// Allowed says whether a person may use a service.
func (s *Service) Allowed(ctx context.Context, who person.ID, client string) (bool, error) {
	reserved, err := only(ctx, s.DB, client)
	if err != nil || len(reserved) == 0 {
		return err == nil, err
	}
	in, err := of(ctx, s.DB, who)
	return err == nil && allowed(in, reserved), err
}

// Groups are the handles of a person's organisations, for the claim `groups`.
func (s *Service) Groups(ctx context.Context, who person.ID) ([]string, error) {
	in, err := of(ctx, s.DB, who)
	handles := make([]string, 0, len(in))
	for _, m := range in {
		handles = append(handles, m.Organisation)
	}
	return handles, err
}
