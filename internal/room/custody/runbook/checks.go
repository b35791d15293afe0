package runbook

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/obs"
)

// Jobs pull the repositories, and drop rehearsals that nobody went on with.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "custody-runbooks", Every: 6 * time.Hour, Run: s.PullAll},
		{Name: "custody-rehearsals", Every: 24 * time.Hour, Run: s.Tidy},
	}
}

// Check asks whether every runbook is rehearsed.
func (s *Service) Check() fit.Check {
	return fit.Check{Name: "custody.runbook.check", Run: func(ctx context.Context) (fit.Finding, error) {
		rehearsed, total, err := s.Count(ctx)
		switch {
		case err != nil:
			return fit.Finding{}, err
		case total == 0:
			return fit.Unknown("custody.runbook.check_none", nil), nil
		case rehearsed < total:
			return fit.Finding{}, core.Unsure("custody.runbook.check_bad", errors.New("runbooks are not rehearsed")).With("Count", total-rehearsed)
		}
		return fit.Well("custody.runbook.check_well", map[string]any{"Count": total}), nil
	}}
}

// Limits is the line of the limits page; none while there is no runbook.
func (s *Service) Limits(ctx context.Context) ([]fit.Limit, error) {
	rehearsed, total, err := s.Count(ctx)
	if err != nil || total == 0 {
		return nil, err
	}
	return []fit.Limit{{Key: "custody.runbook.limit", Args: map[string]any{"Rehearsed": rehearsed, "Count": total}}}, nil
}

// Metrics are how many runbooks there are, and how many are rehearsed.
func (s *Service) Metrics(ctx context.Context) ([]obs.Metric, error) {
	rehearsed, total, err := s.Count(ctx)
	return []obs.Metric{
		{Name: "entrechat_custody_runbooks", Help: "Runbooks known.", Value: float64(total)},
		{Name: "entrechat_custody_runbooks_rehearsed", Help: "Runbooks that a person who did not write them followed to the end within 12 months.", Value: float64(rehearsed)},
	}, err
}
