package ability

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
)

// askAgain is how long what a registry said of a domain's end is taken for true.
const askAgain = 30 * 24 * time.Hour

// Jobs are what runs beside: once a month the registries say when our domains end.
func (s *Abilities) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "custody-domains", Every: 24 * time.Hour, Jitter: time.Hour, Later: true, Run: s.askRegistries}}
}

// askRegistries asks for each domain once a month. A registry that is silent is asked again
// the next day; that is no failure of ours.
func (s *Abilities) askRegistries(ctx context.Context) error {
	all, err := list(ctx, s.DB)
	if err != nil {
		return err
	}
	known, err := domains(ctx, s.DB)
	if err != nil {
		return err
	}
	now := core.At(s.Now())
	asked := map[string]core.Moment{}
	for _, d := range known {
		asked[d.name] = d.asked
	}
	var errs []error
	for _, a := range all {
		if a.Kind != Registrar || asked[a.Subject] > 0 && now < asked[a.Subject].Add(askAgain) {
			continue
		}
		asked[a.Subject] = now
		r, err := s.Seer.Domain(ctx, a.Subject)
		if core.CodeOf(err) == core.CodeUnsure {
			continue
		}
		if err == nil {
			err = putDomain(ctx, s.DB, domain{a.Subject, r.Expires, now})
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// asksWords says whether a proof that was begun needs the 24 words.
func (s *Abilities) asksWords(ctx context.Context, id string) (bool, error) {
	c, err := challenge(ctx, s.DB, id, "", core.At(s.Now()))
	if err != nil {
		return false, err
	}
	a, err := get(ctx, s.DB, c.Ability)
	return a.Kind.own(a.Subject) == ByCanary, err
}
