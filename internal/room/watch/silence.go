package watch

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

// Silence answers other rooms what members see of a member's services.
type Silence struct{ room *Room }

// Down says since when all services of a member that anybody can judge are proved down, and by
// how many watchers on how many networks the best proved of them. since is 0 while one of them
// answers, if only on some paths, or while nobody knows.
func (s Silence) Down(ctx context.Context, owner core.MemberID) (since core.Moment, watchers, networks int, err error) {
	if err := s.room.Verdicts.Start(ctx); err != nil {
		return 0, 0, 0, err
	}
	all, err := s.room.list.Of(ctx, owner)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, t := range all {
		if t.Paused || t.Damaged || t.Local || !t.Kind.Called() {
			continue
		}
		v := s.room.Verdicts.State(owner, t.ID)
		switch v.State {
		case verdict.Unknown:
		case verdict.Down:
			since = max(since, v.Since)
			if v.Networks > networks || v.Networks == networks && v.Failing > watchers {
				watchers, networks = v.Failing, v.Networks
			}
		case verdict.Up, verdict.Partial:
			return 0, 0, 0, nil
		}
	}
	return since, watchers, networks, nil
}

// CutOff is since when we take ourselves for cut off; 0 = we do not.
func (s Silence) CutOff(ctx context.Context) (core.Moment, error) {
	if err := s.room.Verdicts.Start(ctx); err != nil {
		return 0, err
	}
	return s.room.Verdicts.CutOff(), nil
}
