package ability

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
)

// Publish says whether the published limits tell the figure and the weakest ability: "yes" or
// "no". Without a decision they do not. Returns CodeInvalid "custody.ability.bad_publish".
func (s *Abilities) Publish(ctx context.Context, answer string) error {
	if answer != "yes" && answer != "no" {
		return core.Invalid("custody.ability.bad_publish", errors.New("neither yes nor no"))
	}
	return set(ctx, s.DB, "publish", answer)
}

// Published says whether the figure is told to everybody.
func (s *Abilities) Published(ctx context.Context) (bool, error) {
	answer, err := setting(ctx, s.DB, "publish")
	return answer == "yes", err
}

// Limits are the lines of the published limits: how many people the weakest service stands
// on, if the hoster tells that; never who they are.
func (s *Abilities) Limits(ctx context.Context) ([]fit.Limit, error) {
	tell, err := s.Published(ctx)
	if err != nil || !tell {
		return nil, err
	}
	r, err := s.Report(ctx)
	if err != nil {
		return nil, err
	}
	least, ok := r.Least()
	if !ok {
		return nil, nil
	}
	if least.People.Count == 0 {
		return []fit.Limit{{Key: "custody.ability.limit_none"}}, nil
	}
	return []fit.Limit{{Key: "custody.ability.limit_" + string(least.Weakest.Kind), Args: args{"Count": least.People.Count}}}, nil
}

// Metrics are the figures as numbers. No label says anything of a person.
func (s *Abilities) Metrics(ctx context.Context) ([]obs.Metric, error) {
	f, err := s.Facts(ctx)
	if err != nil {
		return nil, err
	}
	r := f.Figures(core.At(s.Now()))
	var all []obs.Metric
	for _, one := range r.Services[:min(len(r.Services), 100)] {
		labels := map[string]string{"service": one.Name}
		all = append(all,
			obs.Metric{Name: "entrechat_custody_bus_factor_people", Help: "People whose loss ends the weakest ability of a service (proofs of six months).", Value: float64(one.People.Count), Labels: labels},
			obs.Metric{Name: "entrechat_custody_bus_factor_places", Help: "Households and members whose loss ends the weakest ability of a service.", Value: float64(one.Places.Count), Labels: labels})
	}
	counts, over := 0, 0
	for _, h := range f.Holdings {
		if h.Counts(r.At) {
			counts++
		} else {
			over++
		}
	}
	const help = "Proofs of abilities, by whether they still count."
	return append(all,
		obs.Metric{Name: "entrechat_custody_ability_proofs", Help: help, Value: float64(counts), Labels: map[string]string{"state": "counts"}},
		obs.Metric{Name: "entrechat_custody_ability_proofs", Help: help, Value: float64(over), Labels: map[string]string{"state": "over"}}), nil
}

// doctor answers what `doctor` asks.
type doctor struct{ *Abilities }

// Checks are what doctor asks.
func (s *Abilities) Checks() []fit.Check {
	return []fit.Check{
		{Name: "custody.ability.check_figure", Run: doctor{s}.checkFigure},
		{Name: "custody.ability.check_domains", Run: doctor{s}.checkDomains},
	}
}

// checkFigure: no service stands on one person.
func (s doctor) checkFigure(ctx context.Context) (fit.Finding, error) {
	r, err := s.Report(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	least, ok := r.Least()
	if !ok {
		return fit.Unknown("custody.ability.nothing", nil), nil
	}
	said := args{"Service": least.Name, "Count": least.People.Count, "Kind": string(least.Weakest.Kind), "ID": least.Weakest.ID[:8]}
	if least.People.Count < 2 {
		key := "custody.ability.stands_on_one"
		if least.People.Count == 0 {
			key = "custody.ability.stands_on_nobody"
		}
		return fit.Finding{}, &core.Error{Code: core.CodeConflict, Key: key, Args: said, Err: fmt.Errorf("bus factor %d", least.People.Count)}
	}
	return fit.Well("custody.ability.stands", said), nil
}

// checkDomains: no domain of ours ends soon, as far as its registry says.
func (s doctor) checkDomains(ctx context.Context) (fit.Finding, error) {
	all, err := domains(ctx, s.DB)
	if err != nil {
		return fit.Finding{}, err
	}
	var first domain
	for _, d := range all {
		if d.expires > 0 && (first.expires == 0 || d.expires < first.expires) {
			first = d
		}
	}
	if first.expires == 0 {
		return fit.Unknown("custody.ability.no_expiry", nil), nil
	}
	now := core.At(s.Now())
	said := args{"Domain": first.name, "Days": int(first.expires.Sub(now).Hours() / 24)}
	if first.expires < now.Add(Soon) {
		return fit.Finding{}, &core.Error{Code: core.CodeConflict, Key: "custody.ability.domain_ends", Args: said, Err: errors.New("a domain ends soon")}
	}
	return fit.Well("custody.ability.domain_lasts", said), nil
}
