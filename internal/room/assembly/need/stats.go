package need

import (
	"context"
	"slices"

	"entrechat/internal/core"
)

// Stats are counts; nothing of them names anybody. What was merged into another need is one
// with it.
type Stats struct {
	Waiting    int64       `json:"waiting"`
	Published  int64       `json:"published"`
	Answered   int64       `json:"answered"` // of those that are published
	Late       int64       `json:"late"`     // published, and unanswered for 30 days
	Refused    int64       `json:"refused"`
	MedianDays int64       `json:"median_days"` // from telling to the first answer, of those answered in the last year; 0 = none were
	Oldest     core.Moment `json:"-"`           // when the oldest came that waits; 0 = none does
}

// Stats counts.
func (s *Service) Stats(ctx context.Context) (Stats, error) {
	now := s.now()
	out, err := counts(ctx, s.n.DB, now.Add(-Late))
	if err != nil {
		return out, err
	}
	if out.Oldest, err = oldestWaiting(ctx, s.n.DB); err != nil {
		return out, err
	}
	waits, err := waitedFor(ctx, s.n.DB, now.Add(-365*day))
	out.MedianDays = median(waits)
	return out, err
}

// median is the middle of waits, in whole days, the lower of two.
func median(waits []int64) int64 {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[(len(waits)-1)/2] / day.Microseconds()
}
