package custody

import (
	"context"
	"errors"

	"entrechat/internal/kit/fit"
	"entrechat/internal/room/custody/runbook"
)

// Postmortems answers what members told after incidents, the newest first.
type Postmortems interface {
	Postmortems(ctx context.Context) ([]runbook.Card, error)
}

// Texts is what runbooks and duties need of other rooms; all of it is required.
type Texts struct {
	// Cards are what members told after incidents.
	Cards func(ctx context.Context) ([]runbook.Card, error)
}

// runbooks makes the texts of the hoster, for the people it has cards of.
func (r *Room) runbooks() *runbook.Service {
	return &runbook.Service{DB: r.DB, People: r.readers, Cards: r.Texts.Cards, Now: r.Now, Log: r.Log}
}

// readers are our own admins as those who may read a runbook.
func (r *Room) readers(ctx context.Context) ([]runbook.Person, error) {
	cards, err := r.Persons.All(ctx)
	out := make([]runbook.Person, 0, len(cards))
	for _, c := range cards {
		out = append(out, runbook.Person{ID: string(c.ID), Name: c.Name, Mail: c.Mail})
	}
	return out, err
}

// withTexts adds what runbooks hand to the house to what the other folders do.
func (r *Room) withTexts(f fit.Fittings) fit.Fittings {
	f.Jobs = append(f.Jobs, r.Runbooks.Jobs()...)
	f.Checks = append(f.Checks, r.Runbooks.Check())
	f.Web = pagesOf(f.Web, r.Runbooks.Pages)
	f.Limits = joinLists(f.Limits, r.Runbooks.Limits)
	f.Metrics = joinLists(f.Metrics, r.Runbooks.Metrics)
	return f
}

// joinLists makes one question of several; nil ones are left out.
func joinLists[T any](all ...func(context.Context) ([]T, error)) func(context.Context) ([]T, error) {
	return func(ctx context.Context) (out []T, err error) {
		for _, ask := range all {
			if ask == nil {
				continue
			}
			some, failed := ask(ctx)
			out, err = append(out, some...), errors.Join(err, failed)
		}
		return out, err
	}
}
