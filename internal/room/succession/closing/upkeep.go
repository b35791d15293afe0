package closing

import (
	"context"
	"errors"
	"slices"
	"time"

	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
)

// Jobs run while the node is up.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "succession-papers", Run: s.fetchOn},
		{Name: "succession-waves", Every: 5 * time.Minute, Jitter: time.Minute, Run: s.SendWaves},
		{Name: "succession-choices", Every: 6 * time.Hour, Jitter: time.Hour, Run: s.CountChoices},
	}
}

// fetchEvery is how often documents that are missing are asked for again.
const fetchEvery = 2 * time.Minute

// fetchOn fetches documents whenever a logbook names one, and from time to time, until ctx ends.
func (s *Service) fetchOn(ctx context.Context) error {
	for {
		if err := s.Fetch(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(fetchEvery):
		}
	}
}

// SendWaves mails our people what is due about each closing of ours.
func (s *Closings) SendWaves(ctx context.Context) error {
	all, err := s.Of(ctx, s.self())
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(all))
	for _, st := range all {
		h, ok, err := s.Adopter(ctx, st)
		if err == nil && (ok || !slices.ContainsFunc(st.Steps, func(x stage.Step) bool { return x.Stage == stage.Adopted })) {
			err = s.Waves.Send(ctx, st, string(h.To))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// CountChoices says how many people chose what for each service of ours that ends, when that is
// another count than the last one. Once the service is read-only, nothing is counted any more.
func (s *Closings) CountChoices(ctx context.Context) error {
	all, err := s.Of(ctx, s.self())
	if err != nil {
		return err
	}
	for _, st := range all {
		if st.Open() && !st.Late() {
			if err := s.countChoices(ctx, st.Service); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Closings) countChoices(ctx context.Context, service string) error {
	t, err := s.Choices.Count(ctx, service)
	if err != nil || t == nil {
		return err
	}
	root, err := t.Root()
	if err != nil {
		return err
	}
	before, _, _, err := s.papers.Counted(ctx, s.self(), service)
	if err != nil || before.Root == root {
		return err
	}
	c := paper.Choices{Service: service, Root: root}
	c.Handover, c.Archive, c.Erase = t.Count()
	return s.append(ctx, paper.TypeChoices, c)
}

// Freeze makes a service of ours read-only: first the choices are counted a last time.
func (s *Closings) Freeze(ctx context.Context, service string) (stage.Standing, error) {
	say, st, err := s.next(ctx, service, stage.Frozen)
	if err != nil {
		return st, err
	}
	if err := s.countChoices(ctx, service); err != nil {
		return st, err
	}
	return s.say(ctx, say)
}

// Cut makes the adopter's copy the service, or ends it; the old copy stays a while.
func (s *Closings) Cut(ctx context.Context, service string) (stage.Standing, error) {
	st, err := s.One(ctx, s.self(), service)
	if err == nil && st.Stage != stage.Cut { // after a kill between the two
		st, err = s.Next(ctx, service, stage.Cut)
	}
	if err != nil {
		return st, err
	}
	return s.Next(ctx, service, stage.Kept)
}
