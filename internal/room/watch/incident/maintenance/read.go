package maintenance

import (
	"context"
	"errors"
	"strings"

	"entrechat/internal/core"
)

// Maintenance lists the plans that touch a time, in their order, with their texts; owner
// empty: everybody's. At most 2,000.
func (s *Planner) Maintenance(ctx context.Context, owner core.MemberID, from, to core.Moment) ([]Plan, error) {
	all, err := s.Plans(ctx, owner, from, to)
	if err != nil {
		return nil, err
	}
	for n := range all {
		if all[n], err = s.withText(ctx, all[n]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Plans is Maintenance without the texts.
func (s *Planner) Plans(ctx context.Context, owner core.MemberID, from, to core.Moment) ([]Plan, error) {
	return list(ctx, s.n.DB, owner, from, to)
}

// Muted says whether messages about a service are held back at a moment, and by which plan.
func (s *Planner) Muted(ctx context.Context, owner core.MemberID, service string, at core.Moment) (Plan, bool, error) {
	all, err := list(ctx, s.n.DB, owner, at, at+1)
	for _, p := range all {
		if p.Covers(service, at) {
			return p, true, err
		}
	}
	return Plan{}, false, err
}

// Find reads a plan of ours by its id or the beginning of it. CodeNotFound; CodeInvalid for
// the beginning of several.
func (s *Planner) Find(ctx context.Context, id string) (Plan, error) {
	unknown := core.NotFound("watch.maintenance.unknown", errors.New("no such plan")).With("ID", id[:min(len(id), shortID)])
	if len(id) < 4 || len(id) > 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return Plan{}, unknown
	}
	found, err := like(ctx, s.n.DB, s.n.Self, id)
	switch {
	case err != nil:
		return Plan{}, err
	case len(found) == 0:
		return Plan{}, unknown
	case len(found) > 1:
		return Plan{}, core.Invalid("watch.maintenance.ambiguous", errors.New("several")).With("ID", id)
	}
	return s.withText(ctx, found[0])
}

// get reads a plan of anybody.
func (s *Planner) get(ctx context.Context, id string) (Plan, error) {
	p, err := byID(ctx, s.n.DB, id)
	if err != nil {
		return p, err
	}
	return s.withText(ctx, p)
}

func (s *Planner) withText(ctx context.Context, p Plan) (Plan, error) {
	if p.Name == "" {
		return p, nil
	}
	texts, err := s.n.Texts.All(ctx, p.Owner, []string{p.Name})
	if err != nil {
		return p, err
	}
	text := texts[p.Name]
	p.Text = &text
	return p, nil
}
