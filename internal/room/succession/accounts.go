package succession

import (
	"context"

	"entrechat/internal/core"
)

// Successors lists whom an owner names for a service now, first choice first.
func (r *Room) Successors(ctx context.Context, owner core.MemberID, service string) ([]core.MemberID, error) {
	return r.Promises.Successors(ctx, owner, service)
}

// Settled says whether a member was named by an owner for a service long enough to act without it.
func (r *Room) Settled(ctx context.Context, owner, member core.MemberID, service string) (bool, error) {
	return r.Promises.Settled(ctx, owner, member, service)
}
