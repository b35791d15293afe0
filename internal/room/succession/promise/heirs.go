package promise

import (
	"context"
	"slices"

	"entrechat/internal/core"
)

// Successors lists whom an owner names for a service now, first choice first.
func (p *Promises) Successors(ctx context.Context, owner core.MemberID, service string) (all []core.MemberID, err error) {
	named, err := p.Of(ctx, owner)
	for _, s := range named {
		if s.Service == service {
			all = append(all, s.Member)
		}
	}
	return all, err
}

// Names says whether an owner names a member for any service now.
func (p *Promises) Names(ctx context.Context, owner, member core.MemberID) (bool, error) {
	named, err := p.Of(ctx, owner)
	return slices.ContainsFunc(named, func(s Successor) bool { return s.Member == member }), err
}

// Settled says whether an owner names a member for a service now, and has without a gap for 30
// days, as we heard it; at once in a network of tests.
func (p *Promises) Settled(ctx context.Context, owner, member core.MemberID, service string) (bool, error) {
	named, err := p.Of(ctx, owner)
	return slices.ContainsFunc(named, func(s Successor) bool {
		return s.Member == member && s.Service == service && (p.n.Private || s.Settled(core.At(p.n.Now())))
	}), err
}
