package breakglass

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
)

// Checks are what `doctor` asks about asks.
func (a *Asks) Checks() []fit.Check {
	return []fit.Check{
		{Name: "custody.breakglass.check_asks", Run: a.checkAsks},
		{Name: "custody.breakglass.check_rotation", Run: fit.Plain(a.checkRotation)},
		{Name: "custody.breakglass.check_clock", Run: fit.Plain(a.checkClock)},
	}
}

// checkAsks names what somebody has to look at: an ask about our own boxes that others made,
// or one to be decided here. One that waits its time here is no trouble, but is said: there is
// time then to call the owner.
func (a *Asks) checkAsks(ctx context.Context) (fit.Finding, error) {
	against, err := a.Against(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if against > 0 {
		return fit.Finding{}, core.Conflict("custody.breakglass.against", errors.New("somebody asks for our box")).With("Count", against)
	}
	awaiting, ready, err := a.Awaiting(ctx)
	switch {
	case err != nil:
		return fit.Finding{}, err
	case ready > 0:
		return fit.Finding{}, core.Conflict("custody.breakglass.to_decide", errors.New("somebody waits for a decision")).With("Count", ready)
	case awaiting > 0:
		return fit.Well("custody.breakglass.waits", args{"Count": awaiting}), nil
	}
	return fit.Finding{}, nil
}

func (a *Asks) checkRotation(ctx context.Context) error {
	_, late, err := a.Due(ctx)
	if err == nil && late > 0 {
		err = core.Conflict("custody.breakglass.late", errors.New("not changed yet")).With("Count", late)
	}
	return err
}

func (a *Asks) checkClock(ctx context.Context) error {
	c, err := a.Clock(ctx)
	if err == nil && c.Doubtful() {
		err = core.Conflict("custody.breakglass.clock", errors.New("the clock leapt")).With("By", c.Owed.Abs())
	}
	return err
}

// Metrics are the numbers of asks.
func (a *Asks) Metrics(ctx context.Context) ([]obs.Metric, error) {
	awaiting, ready, err := a.Awaiting(ctx)
	if err != nil {
		return nil, err
	}
	against, err := a.Against(ctx)
	if err != nil {
		return nil, err
	}
	due, late, err := a.Due(ctx)
	one := func(name, help string, n int) obs.Metric {
		return obs.Metric{Name: "entrechat_custody_" + name, Help: help, Value: float64(n)}
	}
	return []obs.Metric{
		one("asks_open", "Asks for boxes of others that are open here.", awaiting),
		one("asks_ready", "Asks that somebody here has to decide.", ready),
		one("asks_against", "Asks for our own boxes that others made.", against),
		one("rotation_due", "Things to change since a box was opened.", due),
		one("rotation_late", "Things that should have been changed by now.", late),
	}, err
}
