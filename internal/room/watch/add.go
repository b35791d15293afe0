package watch

import (
	"cmp"
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// adder adds targets of ours.
type adder struct{ *Room }

// add takes what a person typed: one target of the kind that was named or, without one,
// what answers at the address. It answers those that were added, also beside an error.
func (r adder) add(ctx context.Context, typed target.Target) (all []target.Target, token string, err error) {
	if typed.Kind == "" {
		all, err = r.detected(ctx, typed)
		return all, "", err
	}
	if typed, token, err = issue(typed); err != nil {
		return nil, "", err
	}
	if typed.Service == "" {
		typed.Service = typed.Host()
	}
	t, err := r.Targets.Add(ctx, typed)
	if err != nil {
		return nil, "", err
	}
	return []target.Target{t}, token, r.Pings.Refresh(ctx)
}

// addDetected adds what answers at an address, under a service's name; empty = its host's.
func (r adder) addDetected(ctx context.Context, address, service string) ([]target.Target, error) {
	return r.detected(ctx, target.Target{Address: address, Service: service})
}

// detected adds what answers. What was typed of a target counts for the first, which is
// the one at that address; who looks, and how often, for all. Targets that are there
// already are passed over. Returns CodeConflict when all of them are.
func (r adder) detected(ctx context.Context, typed target.Target) (added []target.Target, err error) {
	found, err := r.Detect(ctx, typed)
	if err != nil {
		return nil, err
	}
	var twice error
	for i, t := range found {
		if typed.Service != "" {
			t.Service = typed.Service
		}
		if t.Local = typed.Local || t.Local; typed.Every != 0 {
			t.Every = typed.Every
		}
		if i == 0 {
			t.Expect = t.Expect.With(typed.Expect)
		}
		t, err := r.Targets.Add(ctx, t)
		switch {
		case core.CodeOf(err) == core.CodeConflict:
			twice = err
		case err != nil:
			return added, err
		default:
			added = append(added, t)
		}
	}
	if len(added) == 0 {
		return nil, twice
	}
	return added, nil
}

// Detect says which targets what answers at an address makes; none is stored. Returns
// CodeInvalid for what is no address, CodeUnsure where nothing answers.
func (r *Room) Detect(ctx context.Context, typed target.Target) ([]target.Target, error) {
	found, err := r.looker.Detect(ctx, typed.Address)
	for i, t := range found {
		t.Service = cmp.Or(typed.Service, t.Service, t.Host(), t.Address)
		found[i] = r.Targets.Draft(t)
	}
	return found, err
}
