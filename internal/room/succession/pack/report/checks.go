package report

import (
	"context"
	"errors"
	"slices"
	"strings"

	"entrechat/internal/room/succession/pack"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
)

// Checks are what doctor asks.
func (s *Reports) Checks() []fit.Check {
	use := fit.Use{Name: "succession.pack.use", For: "succession.pack.use_for", Begun: s.begun}
	return use.Checks(
		fit.Check{Name: "succession.pack.check_named", Run: s.checkNamed},
		fit.Check{Name: "succession.pack.check_red", Run: s.checkRed},
		fit.Check{Name: "succession.pack.check_sent", Run: s.checkSent},
		fit.Check{Name: "succession.pack.check_held", Run: s.checkHeld},
	)
}

// begun says whether this node has to do with packs: one of ours, one of others, or a successor.
func (s *Reports) begun(ctx context.Context) (bool, error) {
	services, err := s.Fill.Services()
	if err != nil || len(services) > 0 {
		return len(services) > 0, err
	}
	named, err := s.Promises.Of(ctx, s.self())
	if err != nil || len(named) > 0 {
		return len(named) > 0, err
	}
	ours, err := s.Promises.Ours(ctx)
	return len(ours) > 0, err
}

func (s *Reports) checkNamed(ctx context.Context) (fit.Finding, error) {
	names, err := s.Fill.Unnamed(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(names) > 0 {
		return fit.Finding{}, core.Unsure("succession.pack.check_unnamed", errors.New("no successor")).With("Services", strings.Join(names, ", ")).With("Service", names[0])
	}
	return fit.Finding{}, nil
}

func (s *Reports) checkRed(ctx context.Context) (fit.Finding, error) {
	all, broken, err := s.Fill.Ours(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	for _, err := range broken {
		return fit.Finding{}, err
	}
	var red []string
	for _, v := range all {
		if n := v.Red(); n > 0 {
			red = append(red, v.Service)
		}
	}
	if len(red) > 0 {
		return fit.Finding{}, core.Unsure("succession.pack.check_is_red", errors.New("red items")).With("Services", strings.Join(red, ", ")).With("Service", red[0])
	}
	if len(all) == 0 {
		return fit.Unknown("succession.pack.check_no_pack", nil), nil
	}
	return fit.Well("succession.pack.check_fine", args{"Count": len(all)}), nil
}

func (s *Reports) checkSent(ctx context.Context) (fit.Finding, error) {
	names, err := s.Packs.Undelivered(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(names) > 0 {
		return fit.Finding{}, core.Unsure("succession.pack.check_unsent", errors.New("not delivered")).With("Services", strings.Join(names, ", ")).With("Service", names[0])
	}
	return fit.Finding{}, nil
}

// checkHeld: what others sent us is here whole.
func (s *Reports) checkHeld(ctx context.Context) (fit.Finding, error) {
	all, err := s.Packs.Theirs(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	held, lost := 0, []string{}
	for _, v := range all {
		if v.Kept != 0 {
			held++
		} else if s.now().Sub(v.Made) > pack.Late {
			lost = append(lost, v.Service+" ("+string(v.Owner)+")")
		}
	}
	if len(lost) > 0 {
		return fit.Finding{}, core.Unsure("succession.pack.check_lost", errors.New("a pack is not here")).With("Packs", strings.Join(lost, ", "))
	}
	return fit.Well("succession.pack.check_holds", args{"Count": held}), nil
}

// Metrics are how our packs stand, and how many of others are here.
func (s *Reports) Metrics(ctx context.Context) (all []obs.Metric, err error) {
	own, err := s.Packs.Own(ctx)
	if err != nil {
		return nil, err
	}
	undelivered, err := s.Packs.Undelivered(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range own {
		late := 0.0
		if slices.Contains(undelivered, p.Service) {
			late = 1
		}
		labels := map[string]string{"service": p.Service}
		all = append(all,
			obs.Metric{Name: "entrechat_succession_pack_red_items", Help: "Items of our last pack that are missing, or whose proof is older than 183 days.", Value: float64(len(p.Red(s.now()))), Labels: labels},
			obs.Metric{Name: "entrechat_succession_pack_undelivered", Help: "1 = a successor has no pack, or proved none for 8 days.", Value: late, Labels: labels},
		)
	}
	held, err := s.Packs.Theirs(ctx)
	held = slices.DeleteFunc(held, func(v pack.View) bool { return v.Kept == 0 })
	return append(all, obs.Metric{Name: "entrechat_succession_packs_held", Help: "Packs of others that are here whole.", Value: float64(len(held))}), err
}

// Limits are the lines of the limits page: who takes over what, and what was proved of it.
func (s *Reports) Limits(ctx context.Context) (all []fit.Limit, err error) {
	own, err := s.Packs.Own(ctx)
	if err != nil {
		return nil, err
	}
	named, err := s.Promises.Of(ctx, s.self())
	if err != nil {
		return nil, err
	}
	var done []string
	for _, n := range named {
		if slices.Contains(done, n.Service) {
			continue
		}
		done = append(done, n.Service)
		p := pack.Pack{Owner: s.self(), Service: n.Service}
		if i := slices.IndexFunc(own, func(p pack.Pack) bool { return p.Service == n.Service }); i >= 0 {
			p = own[i]
		}
		standing, err := s.Packs.Successors(ctx, p)
		if err != nil {
			return nil, err
		}
		var members []string
		for _, one := range standing {
			members = append(members, string(one.Member))
		}
		kind, until := pack.View{Successors: standing}.Best()
		fill := args{"Service": n.Service, "Members": strings.Join(members, ", "), "Day": until.Time().Format("2006-01-02"), "Made": p.Made.Time().Format("2006-01-02")}
		key := "succession.pack.limit_" + string(kind)
		if kind == "" {
			key = "succession.pack.limit_none"
		}
		all = append(all, fit.Limit{Key: key, Args: fill})
	}
	return all, nil
}
