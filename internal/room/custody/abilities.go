package custody

import (
	"cmp"
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/custody/ability"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/person"
)

// rootProof is where root writes what proves it; only root can write there.
const rootProof = "/etc/entrechat-proof"

func (r *Room) newAbilities() *ability.Abilities {
	return &ability.Abilities{Needs: ability.Needs{
		DB: r.DB, Persons: r.Persons, Node: r.Signer.ID(), URL: r.URL, Seer: ability.Network{Private: r.Private}, Recovery: r.Recovery,
		Boxes:    boxes{r},
		Mailer:   func() (ability.Mailer, bool) { return r.Mailer() },
		RootFile: rootProof, Say: speaker{r}.T, Now: r.Now,
	}}
}

// withAbilities adds what abilities hand to the house to what the other folders do.
func (r *Room) withAbilities(f fit.Fittings) fit.Fittings {
	f.Jobs = append(f.Jobs, r.Abilities.Jobs()...)
	f.Checks = append(append(f.Checks, r.Persons.Checks()...), r.Abilities.Checks()...)
	f.Web = pagesOf(f.Web, r.Abilities.Pages)
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

// pagesOf are the pages of several folders as one.
func pagesOf(all ...func(*web.Site) web.Pages) func(*web.Site) web.Pages {
	return func(site *web.Site) (sum web.Pages) {
		for _, of := range all {
			if of == nil {
				continue
			}
			p := of(site)
			sum.Routes, sum.Menu, sum.Feeds = append(sum.Routes, p.Routes...), append(sum.Menu, p.Menu...), append(sum.Feeds, p.Feeds...)
			sum.Home, sum.Overview, sum.Alarms = append(sum.Home, p.Home...), append(sum.Overview, p.Overview...), append(sum.Alarms, p.Alarms...)
		}
		return sum
	}
}

// boxes are the deals that stand, as figures count them.
type boxes struct{ *Room }

// Dealt counts the shares that proofs count.
func (d boxes) Dealt(ctx context.Context) ([]ability.Dealt, error) {
	views, err := d.Proofs.Views(ctx)
	if err != nil {
		return nil, err
	}
	lenders, err := d.Trust.Lenders(ctx, KindCustody)
	if err != nil {
		return nil, err
	}
	places := map[core.MemberID]string{}
	for _, l := range lenders {
		places[l.ID] = cmp.Or(l.Site, l.Admin)
	}
	var all []ability.Dealt
	for _, v := range views {
		if v.State != deal.Standing || v.Scope == box.Rehearsal {
			continue
		}
		rehearsed, err := d.Rehearsals.Last(ctx, string(v.Scope))
		if err != nil {
			return nil, err
		}
		one := ability.Dealt{Scope: string(v.Scope), Needed: int(v.K), Rehearsed: rehearsed}
		for _, h := range v.Shares {
			held := ability.Held{Member: h.Member, Place: places[h.Member], Good: h.Standing.Counts()}
			if h.Way != "paper" { // which names a sheet, nobody's card
				held.Person = person.ID(h.Person)
			}
			one.Shares = append(one.Shares, held)
		}
		all = append(all, one)
	}
	return all, nil
}
