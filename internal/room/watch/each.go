package watch

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/target"
)

// Handover is what other rooms are told of what is looked at, for the day we close or are gone.
type Handover struct {
	self     core.MemberID
	known    *target.Known
	versions *software.Watch
}

// EachTarget calls fn for each address of ours that is looked at. Returns the first error of fn.
func (h Handover) EachTarget(ctx context.Context, fn func(service, address string) error) error {
	all, err := h.known.Of(ctx, h.self)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Paused || t.Address == "" || !t.Kind.Called() {
			continue
		}
		if err := fn(t.Service, t.Address); err != nil {
			return err
		}
	}
	return nil
}

// EachProgram calls fn for each program that our services say they run. Returns the first error
// of fn.
func (h Handover) EachProgram(ctx context.Context, fn func(service, program, version string) error) error {
	all, err := h.versions.Of(ctx, h.self)
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := fn(one.Service, one.Software, one.Version); err != nil {
			return err
		}
	}
	return nil
}
