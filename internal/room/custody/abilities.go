package custody

import (
	"context"
	"errors"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/custody/ability"
)

// rootProof is where root writes what proves it; only root can write there.
const rootProof = "/etc/entrechat-proof"

func (r *Room) newAbilities() *ability.Abilities {
	return &ability.Abilities{Needs: ability.Needs{
		DB: r.DB, Persons: r.Persons, Node: r.Signer.ID(), URL: r.URL, Seer: ability.Network{Private: r.Private}, Recovery: r.Recovery,
		Mailer:   func() (ability.Mailer, bool) { return r.Mailer() },
		RootFile: rootProof, Say: r.Words.Printer(r.Lang).T, Now: r.Now,
	}}
}

// withAbilities adds what abilities hand to the house to what the other folders do.
func (r *Room) withAbilities(f fit.Fittings) fit.Fittings {
	f.Jobs = append(f.Jobs, r.Abilities.Jobs()...)
	f.Checks = append(f.Checks, r.Abilities.Checks()...)
	metrics, limits := f.Metrics, f.Limits
	f.Metrics = func(ctx context.Context) ([]obs.Metric, error) {
		own, err := r.Abilities.Metrics(ctx)
		if metrics == nil {
			return own, err
		}
		others, also := metrics(ctx)
		return append(others, own...), errors.Join(err, also)
	}
	f.Limits = func(ctx context.Context) ([]fit.Limit, error) {
		own, err := r.Abilities.Limits(ctx)
		if limits == nil {
			return own, err
		}
		others, also := limits(ctx)
		return append(others, own...), errors.Join(err, also)
	}
	return f
}
