package client

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Service keeps the hoster's services. Safe for concurrent use.
type Service struct{ n Needs }

// Needs is what the service is made of; all of it is required.
type Needs struct {
	DB *db.DB
	// Issuer is our node's public address, without a slash at its end.
	Issuer string
	Now    func() time.Time
}

// New makes the service.
func New(n Needs) *Service { return &Service{n} }

// Add keeps a new service and draws its secret, which is shown once. Returns CodeInvalid for
// a name, an address or settings that cannot be, CodeConflict "identity.client.taken".
func (s *Service) Add(ctx context.Context, c Client) (_ Client, secret string, err error) {
	if c.ID, err = ParseID(c.ID); err != nil {
		return c, "", err
	}
	if c.URL, err = ParseURL(c.URL); err != nil {
		return c, "", err
	}
	if err := c.check(); err != nil {
		return c, "", err
	}
	c.Made = core.At(s.n.Now())
	secret, c.secret = newSecret()
	return c, secret, s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := insert(ctx, q, c); err != nil {
			return err
		}
		return share(ctx, q, c)
	})
}

// share has the services that a mail server reads share its subjects, as long as they were
// told nothing of anybody yet.
func share(ctx context.Context, q db.Querier, c Client) error {
	for _, id := range c.Reads {
		other, err := Get(ctx, q, id)
		if err != nil {
			return err
		}
		if other.Under == c.ID {
			continue
		}
		told, err := people(ctx, q, other.Scope())
		if err != nil {
			return err
		}
		if other.Under != "" || told > 0 {
			return core.Conflict("identity.client.told_already", errTold).With("Name", id)
		}
		other.Under = c.ID
		if err := update(ctx, q, other); err != nil {
			return err
		}
	}
	return nil
}

// Get reads one. Returns CodeNotFound.
func (s *Service) Get(ctx context.Context, id string) (Client, error) { return Get(ctx, s.n.DB, id) }

// All are the services, by name.
func (s *Service) All(ctx context.Context) ([]Client, error) { return All(ctx, s.n.DB) }

// People is how many people a service was told of.
func (s *Service) People(ctx context.Context, c Client) (int64, error) {
	return people(ctx, s.n.DB, c.Scope())
}

// Secret draws a new secret, which is shown once. The one before is taken for another day,
// or, when it is known to others, no longer. Returns CodeNotFound.
func (s *Service) Secret(ctx context.Context, id string, known bool) (secret string, err error) {
	return secret, s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := Get(ctx, q, id)
		if err != nil {
			return err
		}
		c.oldSecret, c.oldUntil = c.secret, core.At(s.n.Now()).Add(OldSecret)
		if known {
			c.oldSecret, c.oldUntil = "", 0
		}
		secret, c.secret = newSecret()
		return update(ctx, q, c)
	})
}

// Change alters a service's settings. Returns CodeNotFound, CodeInvalid.
func (s *Service) Change(ctx context.Context, id string, alter func(*Client)) (c Client, err error) {
	return c, s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if c, err = Get(ctx, q, id); err != nil {
			return err
		}
		alter(&c)
		if err := c.check(); err != nil {
			return err
		}
		if err := update(ctx, q, c); err != nil {
			return err
		}
		return share(ctx, q, c)
	})
}

// Remove takes a service out: nobody signs in there with us any more. What it was told of
// people is kept, so that adding it again finds the same accounts; with erase it goes too.
// Returns CodeNotFound, CodeConflict while another service shares its subjects.
func (s *Service) Remove(ctx context.Context, id string, erase bool) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		all, err := All(ctx, q)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(c Client) bool { return c.Under == id && c.ID != id }); i >= 0 {
			return core.Conflict("identity.client.shared", errTold).With("Name", all[i].ID)
		}
		there, err := remove(ctx, q, id)
		if err != nil {
			return err
		}
		if !there {
			return core.NotFound("identity.client.unknown", errUnknown).With("Name", id)
		}
		if erase {
			return forget(ctx, q, id)
		}
		return nil
	})
}
