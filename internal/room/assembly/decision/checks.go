package decision

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/tally"
)

// lookedAt are how many decisions, and for how long after their count, checks and metrics look at.
const (
	lookedAt = 100
	lookBack = 30 * 24 * time.Hour
)

// Checks are what doctor asks.
func (s *Service) Checks() []fit.Check {
	return []fit.Check{{Name: "assembly.decision.check_vote", Run: s.checkVote}, {Name: "assembly.decision.check_alike", Run: s.checkAlike}}
}

// recent are the decisions that go on, and those that were counted lately.
func (s *Service) recent(ctx context.Context) (out []Summary, err error) {
	all, err := archive.Proposals(ctx, s.n.DB, lookedAt)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if s.now() > r.P.CountedAt().Add(lookBack) {
			continue
		}
		one, _, err := s.summary(ctx, r, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// checkVote: our ballots are cast, and the node can open them.
func (s *Service) checkVote(ctx context.Context) (fit.Finding, error) {
	lost, err := s.lost(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(lost) > 0 {
		return fit.Finding{}, core.Unsure("assembly.decision.lost", errors.New("ballots that we cannot open")).With("Count", len(lost))
	}
	all, err := s.recent(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	waiting := 0
	for _, d := range all {
		if !d.Await {
			continue
		}
		if d.CommitUntil.Sub(s.now()) < lastDay {
			return fit.Finding{}, core.Unsure("assembly.decision.last_day", errors.New("our ballot is missing")).With("ID", short(d.ID)).With("Until", d.CommitUntil)
		}
		waiting++
	}
	if waiting == 0 {
		return fit.Finding{}, nil
	}
	return fit.Well("assembly.decision.waiting", map[string]any{"Count": waiting}), nil
}

// checkAlike: what we counted, the others counted too.
func (s *Service) checkAlike(ctx context.Context) (fit.Finding, error) {
	all, err := s.recent(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	counted := 0
	for _, d := range all {
		if d.Phase != tally.PhaseCounted || d.Result == tally.Replaced {
			continue
		}
		counted++
		if d.Differ == 0 {
			continue
		}
		differences, err := s.Compare(ctx, d.ID)
		if err != nil {
			return fit.Finding{}, err
		}
		for _, o := range differences {
			return fit.Finding{}, core.Unsure("assembly.decision.other_count", errors.New("another count")).
				With("ID", short(d.ID)).With("Member", o.Member).With("Ours", o.Ours).With("Theirs", o.Theirs)
		}
	}
	if counted == 0 {
		return fit.Finding{}, nil
	}
	return fit.Well("assembly.decision.counted_alike", map[string]any{"Count": counted}), nil
}

// Limits are what we cannot do: we sleep in a collective.
func (s *Service) Limits(ctx context.Context) ([]fit.Limit, error) {
	all, err := archive.Proposals(ctx, s.n.DB, lookedAt)
	if err != nil {
		return nil, err
	}
	last := map[string]bool{}
	for _, r := range all { // the newest of each collective first
		i, in := r.P.Ordinal(s.self())
		if !in || last[r.P.Charter] {
			continue
		}
		last[r.P.Charter] = true
		if r.P.Electorate[i].Sleeping {
			return []fit.Limit{{Key: "assembly.decision.limit_asleep"}}, nil
		}
	}
	return nil, nil
}

// Metrics are the numbers of decisions.
func (s *Service) Metrics(ctx context.Context) ([]obs.Metric, error) {
	all, err := s.recent(ctx)
	open, await, differ := 0, 0, 0
	for _, d := range all {
		if d.Phase != tally.PhaseCounted {
			open++
		}
		if d.Await {
			await++
		}
		if d.Differ > 0 {
			differ++
		}
	}
	return []obs.Metric{
		{Name: "entrechat_assembly_decisions_open", Help: "Proposals of our collectives that are not counted yet.", Value: float64(open)},
		{Name: "entrechat_assembly_decisions_awaited", Help: "Proposals that our ballot is missing for.", Value: float64(await)},
		{Name: "entrechat_assembly_decisions_differ", Help: "Decisions of the last 30 days that somebody counted otherwise than we did.", Value: float64(differ)},
	}, err
}

// Recovered says whether ballots of ours wait for the words after a recovery.
func (s *Service) Recovered(ctx context.Context) (fit.Finding, error) {
	lost, err := s.lost(ctx)
	if err != nil || len(lost) == 0 {
		return fit.Finding{}, err
	}
	return fit.Well("assembly.decision.lost", map[string]any{"Count": len(lost)}), nil
}
