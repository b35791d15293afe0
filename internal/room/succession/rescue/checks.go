package rescue

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/succession/rescue/record"
)

// reminds is how long before the last day people are to be told.
const reminds = 30 * 24 * time.Hour

// Checks are what doctor asks.
func (s *Service) Checks() []fit.Check {
	return []fit.Check{{Name: "succession.rescue.check", Run: s.check}}
}

// check says what waits for our admins: an owner that came back, a last day that is near, data that
// nobody reads any more.
func (s *Service) check(ctx context.Context) (fit.Finding, error) {
	all, err := s.Records.List(ctx, "")
	if err != nil {
		return fit.Finding{}, err
	}
	open := 0
	for _, one := range all {
		fill := func(e *core.Error) error { return e.With("Service", one.Service).With("Member", string(one.Owner)) }
		switch {
		case one.State == record.Ended:
			return fit.Finding{}, fill(core.Conflict("succession.rescue.check_erase", errors.New("data of nobody")))
		case one.State != record.Open:
			continue
		case s.Back(ctx, one.Owner) != nil:
			return fit.Finding{}, fill(core.Conflict("succession.rescue.check_back", errors.New("the owner is heard")))
		case one.Until.Sub(s.now()) < reminds:
			return fit.Finding{}, fill(core.Conflict("succession.rescue.check_until", errors.New("ends soon")).With("Day", one.Until))
		}
		open++
	}
	if open == 0 {
		return fit.Finding{}, nil
	}
	return fit.Well("succession.rescue.check_fine", map[string]any{"Count": open}), nil
}
