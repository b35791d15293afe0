package succession

import (
	"context"

	"entrechat/internal/core"
)

// Successors lists whom an owner names for a service now, first choice first.
func (r *Room) Successors(ctx context.Context, owner core.MemberID, service string) ([]core.MemberID, error) {
	return r.Promises.Successors(ctx, owner, service)
}

// AdopterOf is who takes a service of ours over, by a handover that both signed and both named;
// false = nobody.
func (r *Room) AdopterOf(ctx context.Context, service string) (member core.MemberID, found bool, err error) {
	st, err := r.Closings.One(ctx, r.Signer.ID(), service)
	if core.CodeOf(err) == core.CodeNotFound {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	h, found, err := r.Closings.Adopter(ctx, st)
	return h.To, found, err
}

// Settled says whether a member was named by an owner for a service long enough to act without it.
func (r *Room) Settled(ctx context.Context, owner, member core.MemberID, service string) (bool, error) {
	return r.Promises.Settled(ctx, owner, member, service)
}
