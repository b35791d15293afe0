package assembly

import (
	"context"

	"entrechat/internal/kit/obs"
)

// metrics are the room's numbers. None has anything of a person.
func (r *Room) metrics(ctx context.Context) ([]obs.Metric, error) {
	stats, err := r.Told.Stats(ctx)
	if err != nil {
		return nil, err
	}
	more, err := r.Debates.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	decided, err := r.Decisions.Metrics(ctx)
	return append([]obs.Metric{
		{Name: "entrechat_assembly_needs", Help: "Needs that people told, by where they stand.", Value: float64(stats.Waiting), Labels: map[string]string{"standing": "waiting"}},
		{Name: "entrechat_assembly_needs", Help: "Needs that people told, by where they stand.", Value: float64(stats.Published), Labels: map[string]string{"standing": "published"}},
		{Name: "entrechat_assembly_needs", Help: "Needs that people told, by where they stand.", Value: float64(stats.Refused), Labels: map[string]string{"standing": "refused"}},
		{Name: "entrechat_assembly_needs_late", Help: "Published needs without an answer for 30 days.", Value: float64(stats.Late)},
		{Name: "entrechat_assembly_needs_waiting_time_seconds", Help: "When the oldest need came that nobody has read (Unix time), 0 while none waits.", Value: float64(stats.Oldest / 1e6)},
	}, append(more, decided...)...), err
}
