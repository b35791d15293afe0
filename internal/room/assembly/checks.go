package assembly

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// waitsTooLong is when doctor speaks of a need that nobody read.
const waitsTooLong = 7 * 24 * time.Hour

func (r *Room) checks() []fit.Check {
	return append([]fit.Check{{Name: "assembly.check_waiting", Run: fit.Plain(r.checkWaiting)}, {Name: "assembly.check_late", Run: r.checkLate}, r.Debates.Check()}, r.Decisions.Checks()...)
}

// checkWaiting: somebody reads what people tell.
func (r *Room) checkWaiting(ctx context.Context) error {
	stats, err := r.Told.Stats(ctx)
	if err != nil || stats.Oldest == 0 {
		return err
	}
	if days := core.At(r.Now()).Sub(stats.Oldest); days > waitsTooLong {
		return core.Unsure("assembly.waiting_long", errors.New("needs wait")).With("Count", stats.Waiting).With("Days", int(days/(24*time.Hour)))
	}
	return nil
}

// checkLate: what is published is answered.
func (r *Room) checkLate(ctx context.Context) (fit.Finding, error) {
	stats, err := r.Told.Stats(ctx)
	if err != nil || stats.Published == 0 {
		return fit.Finding{}, err
	}
	if stats.Late > 0 {
		return fit.Finding{}, core.Unsure("assembly.late", errors.New("needs without an answer")).With("Count", stats.Late)
	}
	return fit.Well("assembly.answered", map[string]any{"Count": stats.Answered}), nil
}

// limits says what the users' page says too, while needs lie unanswered or actions are late.
func (r *Room) limits(ctx context.Context) ([]fit.Limit, error) {
	stats, err := r.Told.Stats(ctx)
	if err != nil {
		return nil, err
	}
	ours, err := r.Decisions.Limits(ctx)
	if err != nil {
		return nil, err
	}
	all, err := r.Debates.Limits(ctx)
	all = append(all, ours...)
	if stats.Late > 0 {
		all = append(all, fit.Limit{Key: "assembly.limit_late", Args: map[string]any{"Count": stats.Late}})
	}
	return all, err
}
