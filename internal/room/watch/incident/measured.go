package incident

import (
	"cmp"
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
)

// Measured is an incident that is over, and how long people could not use at least one of its
// services, apart from maintenance that was announced before. Down is 0 for a manual one.
type Measured struct {
	Incident
	Down time.Duration
}

// Ended are our own incidents that are over and were open at some time since a moment, the
// newest first.
func (p *Publisher) Ended(ctx context.Context, since core.Moment) ([]Measured, error) {
	all, err := p.Incidents.Incidents(ctx, p.n.Self, since, maxListed)
	var out []Measured
	for _, i := range all {
		if err != nil {
			return nil, err
		}
		if i.Open() {
			continue
		}
		one := Measured{Incident: i}
		one.Down, err = p.down(ctx, i)
		out = append(out, one)
	}
	return out, err
}

func (p *Publisher) down(ctx context.Context, i Incident) (time.Duration, error) {
	steps, err := stepsOf(ctx, p.n.DB, i.Owner, i.ID, maxLines)
	if err != nil {
		return 0, err
	}
	plans, err := p.Plans.Plans(ctx, i.Owner, i.Opened, i.Closed)
	var excused []period
	for _, plan := range plans {
		about := len(i.Services) == 0 || slices.ContainsFunc(i.Services, plan.About)
		if about && !plan.Cancelled && plan.Announced < i.Opened {
			excused = append(excused, period{plan.Start, plan.Until()})
		}
	}
	return apart(downs(steps, i.Closed), excused), err
}

// period is a time without gap.
type period struct{ from, until core.Moment }

// downs are the times in which at least one target was down; what is down at the end is so
// until then. "Partial" and "unknown" end no outage.
func downs(steps []step, end core.Moment) (out []period) {
	down, from := map[string]bool{}, core.Moment(0)
	for _, s := range steps {
		kind, before := s.line().Kind, len(down)
		switch kind {
		case LineDown:
			down[s.Target] = true
		case LineUp, LineGone:
			delete(down, s.Target)
		default:
		}
		switch {
		case before == 0 && len(down) > 0:
			from = s.At
		case before > 0 && len(down) == 0:
			out = append(out, period{from, s.At})
		}
	}
	if len(down) > 0 && end > from {
		out = append(out, period{from, end})
	}
	return out
}

// apart is how long periods are in all, without what lies in others.
func apart(all, without []period) (sum time.Duration) {
	slices.SortFunc(without, func(a, b period) int { return cmp.Compare(a.from, b.from) })
	for _, p := range all {
		at := p.from
		for _, w := range without {
			if w.until <= at || w.from >= p.until {
				continue
			}
			sum += max(0, w.from.Sub(at))
			at = max(at, w.until)
		}
		if at < p.until {
			sum += p.until.Sub(at)
		}
	}
	return sum
}
