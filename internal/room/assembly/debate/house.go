package debate

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
)

// Check asks whether what was promised after incidents is done in time.
func (s *Service) Check() fit.Check {
	return fit.Check{Name: "assembly.debate.check_late", Run: func(ctx context.Context) (fit.Finding, error) {
		c, err := s.Stats(ctx)
		if err != nil || c.Opened == 0 {
			return fit.Finding{}, err
		}
		if c.Late > 0 {
			return fit.Finding{}, core.Unsure("assembly.debate.late_actions", errors.New("actions are late")).With("Count", c.Late)
		}
		return fit.Well("assembly.debate.none_late", args{"Count": c.Actions - c.Done}), nil
	}}
}

// Limits says what the public page says too, while actions are late.
func (s *Service) Limits(ctx context.Context) ([]fit.Limit, error) {
	c, err := s.Stats(ctx)
	if err != nil || c.Late == 0 {
		return nil, err
	}
	return []fit.Limit{{Key: "assembly.debate.limit_late", Args: args{"Count": c.Late}}}, nil
}

// Metrics are the numbers; none has anything of a person.
func (s *Service) Metrics(ctx context.Context) ([]obs.Metric, error) {
	c, err := s.Stats(ctx)
	of := func(state string) map[string]string { return map[string]string{"state": state} }
	const debates, actions = "What follows incidents, by where it stands.", "What debates that were public promised, by where it stands."
	return []obs.Metric{
		{Name: "entrechat_assembly_debates", Help: debates, Value: float64(c.Drafts), Labels: of("draft")},
		{Name: "entrechat_assembly_debates", Help: debates, Value: float64(c.Opened - c.Closed), Labels: of("public")},
		{Name: "entrechat_assembly_debates", Help: debates, Value: float64(c.Closed), Labels: of("closed")},
		{Name: "entrechat_assembly_actions", Help: actions, Value: float64(c.Actions - c.Done), Labels: of("open")},
		{Name: "entrechat_assembly_actions", Help: actions, Value: float64(c.Done), Labels: of("done")},
		{Name: "entrechat_assembly_actions_late", Help: "Open actions whose day is over.", Value: float64(c.Late)},
		{Name: "entrechat_assembly_remarks_waiting", Help: "Answers of members to our questions that nobody here has read.", Value: float64(c.Waiting)},
		{Name: "entrechat_assembly_drafts_to_read", Help: "Drafts of members that somebody here is asked to read.", Value: float64(c.ToRead)},
	}, err
}
