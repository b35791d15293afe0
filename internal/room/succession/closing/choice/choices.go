package choice

import (
	"context"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// People answers who has an account here.
type People interface {
	EachPerson(ctx context.Context, fn func(id, handle, mail, lang, choice string) error) error
}

// Needs is what choices are made of.
type Needs struct {
	DB     *db.DB
	People func() (People, bool)
	Now    func() time.Time
}

// Choices keeps what people want. Safe for concurrent use.
type Choices struct{ n Needs }

// New makes it.
func New(n Needs) *Choices { return &Choices{n} }

// row is a person's choice for a service; choice "" = that for the account counts.
type row struct {
	person, choice, salt string
	changed              core.Moment
}

// Set takes a person's choice for a service. Whether it is not too late is the caller's question.
// Returns CodeInvalid "succession.choice.none".
func (c *Choices) Set(ctx context.Context, service, person, wants string) error {
	if !Valid(wants) || person == "" {
		return core.Invalid("succession.choice.none", errors.New("no choice"))
	}
	return put(ctx, c.n.DB, service, row{person, wants, NewSalt(), core.At(c.n.Now())})
}

// Of is a person's own choice for a service; empty = none was made for it alone.
func (c *Choices) Of(ctx context.Context, service, person string) (string, error) {
	return chosen(ctx, c.n.DB, service, person)
}

// counted is a leaf and whose it is.
type counted struct {
	Leaf

	person string
}

// gather is what everybody wants for their account; Archive where nothing was said.
func (c *Choices) gather(ctx context.Context) ([]counted, error) {
	people, ok := c.n.People()
	if !ok {
		return nil, nil
	}
	var all []counted
	err := people.EachPerson(ctx, func(id, _, _, _, choice string) error {
		if !Valid(choice) {
			choice = Archive
		}
		all = append(all, counted{Leaf{Choice: choice}, id})
		return nil
	})
	return all, err
}

// Count counts everybody's choice for a service now, and keeps the tree; nil without people.
func (c *Choices) Count(ctx context.Context, service string) (*Tree, error) {
	all, err := c.gather(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if err := c.keep(ctx, service, all); err != nil {
		return nil, err
	}
	return c.Tree(ctx, service)
}

// keep gives everybody a salt and stores the leaves in the order of the tree.
func (c *Choices) keep(ctx context.Context, service string, all []counted) error {
	return c.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		known, err := rows(ctx, q, service)
		if err != nil {
			return err
		}
		own := map[string]row{}
		for _, r := range known {
			own[r.person] = r
		}
		for i := range all {
			r, ok := own[all[i].person]
			if !ok {
				r = row{person: all[i].person, salt: NewSalt()}
				if err := put(ctx, q, service, r); err != nil {
					return err
				}
			}
			all[i].Salt = r.salt
			if r.choice != "" {
				all[i].Choice = r.choice
			}
		}
		slices.SortFunc(all, func(a, b counted) int {
			x, y := a.Data(service), b.Data(service)
			return slices.Compare(x[:], y[:])
		})
		before, err := leaves(ctx, q, service)
		if err != nil || slices.Equal(before, all) {
			return err
		}
		return replace(ctx, q, service, all)
	})
}

// Tree is how the choices were counted last.
func (c *Choices) Tree(ctx context.Context, service string) (*Tree, error) {
	all, err := leaves(ctx, c.n.DB, service)
	if err != nil {
		return nil, err
	}
	out := make([]Leaf, 0, len(all))
	for _, l := range all {
		out = append(out, l.Leaf)
	}
	return NewTree(service, out)
}

// SlipOf is a person's slip of the last count. Returns CodeNotFound "succession.choice.not_counted".
func (c *Choices) SlipOf(ctx context.Context, owner core.MemberID, service, person string) (Slip, error) {
	all, err := leaves(ctx, c.n.DB, service)
	if err != nil {
		return Slip{}, err
	}
	i := slices.IndexFunc(all, func(l counted) bool { return l.person == person })
	t, err := c.Tree(ctx, service)
	if err != nil {
		return Slip{}, err
	}
	return t.Slip(owner, int64(i))
}
