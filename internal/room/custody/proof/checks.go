package proof

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/custody/deal"
)

const (
	patience = 7 * 24 * time.Hour  // a deal that is on its way for longer is looked after
	renewal  = 30 * 24 * time.Hour // a deal is dealt again so long before it is over
)

// Checks are what `doctor` asks.
func (p *Proofs) Checks() []fit.Check {
	return []fit.Check{{Name: "custody.proof.check_deals", Run: p.checkDeals}, {Name: "custody.proof.check_held", Run: p.checkHeld}}
}

// checkDeals: each secret that is dealt can be opened, with one holder to spare.
func (p *Proofs) checkDeals(ctx context.Context) (fit.Finding, error) {
	list, err := p.Views(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(list) == 0 {
		return fit.Unknown("custody.proof.nothing_dealt", nil), nil
	}
	late := ""
	for _, v := range list {
		if err := v.trouble(p.now()); err != nil {
			return fit.Finding{}, err
		}
		if v.Late() {
			late = string(v.Scope)
		}
	}
	if late != "" {
		return fit.Well("custody.proof.some_late", map[string]any{"Scope": late}), nil
	}
	return fit.Well("custody.proof.deals_well", map[string]any{"Count": len(list)}), nil
}

// trouble is what somebody has to do about a deal, now; nil = nothing.
func (v View) trouble(now core.Moment) error {
	args := func(e *core.Error) error {
		return e.With("Scope", string(v.Scope)).With("Good", v.Good).With("K", v.K).With("N", v.N)
	}
	switch {
	case v.State == deal.Pending && now > v.Made.Add(patience):
		return args(core.Unsure("custody.proof.long_pending", errors.New("on its way")))
	case v.State == deal.Pending:
		return nil
	case !v.Enough():
		return args(core.Invalid("custody.proof.deal_again", errors.New("too few good shares")))
	case now > v.Until.Add(-renewal):
		return args(core.Invalid("custody.proof.ends_soon", errors.New("over soon")))
	}
	return nil
}

// checkHeld: the shares we keep for others open, and hold.
func (p *Proofs) checkHeld(ctx context.Context) (fit.Finding, error) {
	list, err := p.Keeper.Views(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	held := 0
	for _, h := range list {
		if h.State == deal.Superseded || h.State == deal.Burnt {
			continue
		}
		if held++; !h.Good {
			return fit.Finding{}, core.Invalid("custody.proof.held_bad", errors.New("damaged")).With("Owner", string(h.Owner)).With("Scope", string(h.Scope))
		}
	}
	if held == 0 {
		return fit.Unknown("custody.proof.nothing_held", nil), nil
	}
	return fit.Well("custody.proof.held_well", map[string]any{"Count": held}), nil
}

// Metrics are the numbers people are alerted by.
func (p *Proofs) Metrics(ctx context.Context) ([]obs.Metric, error) {
	list, err := p.Views(ctx)
	if err != nil {
		return nil, err
	}
	var out []obs.Metric
	for _, v := range list {
		labels := map[string]string{"scope": string(v.Scope), "state": string(v.State)}
		out = append(out,
			obs.Metric{Name: "entrechat_custody_shares_good", Help: "Shares of a deal that can be relied on.", Value: float64(v.Good), Labels: labels},
			obs.Metric{Name: "entrechat_custody_shares_needed", Help: "Shares that open the box of a deal.", Value: float64(v.K), Labels: labels},
			obs.Metric{Name: "entrechat_custody_shares", Help: "Shares of a deal.", Value: float64(v.N), Labels: labels})
	}
	held, err := p.Keeper.Held(ctx)
	n := 0
	for _, h := range held {
		if h.Ended == 0 {
			n++
		}
	}
	return append(out, obs.Metric{Name: "entrechat_custody_held_shares", Help: "Shares kept for other members.", Value: float64(n)}), err
}

// Limits say on the public page what of this hoster several people can open.
func (p *Proofs) Limits(ctx context.Context) ([]fit.Limit, error) {
	list, err := p.Views(ctx)
	if err != nil {
		return nil, err
	}
	out := []fit.Limit{}
	for _, v := range list {
		if v.State == deal.Standing && v.Scope.Kind() == "root" {
			key := "custody.proof.limit_root"
			if !v.Enough() {
				key = "custody.proof.limit_root_weak"
			}
			out = append(out, fit.Limit{Key: key, Args: map[string]any{"K": v.K, "N": v.N}})
		}
	}
	if len(out) == 0 {
		out = append(out, fit.Limit{Key: "custody.proof.limit_none"})
	}
	return out, nil
}
