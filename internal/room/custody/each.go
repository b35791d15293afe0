package custody

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/ability"
	"entrechat/internal/room/custody/runbook"
)

// Drilled is when a runbook was followed to its end last, and how long that took, for other
// rooms; zero for one that never was. Returns CodeNotFound, or CodeConflict where several have
// that name.
func (r *Room) Drilled(ctx context.Context, name string) (at core.Moment, took time.Duration, err error) {
	v, err := r.Runbooks.Find(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	past, err := r.Runbooks.History(ctx, v.ID)
	for _, one := range past {
		if one.Outcome == runbook.Reached {
			return one.Ended, one.Took(), err
		}
	}
	return 0, 0, err
}

// Expiry is when a domain ends, as its registry says, for other rooms; zero where it does not
// say. Returns CodeUnsure where it does not answer.
func (r *Room) Expiry(ctx context.Context, domain string) (core.Moment, error) {
	told, err := ability.Network{Private: r.Private}.Domain(ctx, domain)
	return told.Expires, err
}

// Registered is what a domain's registry tells of it, for other rooms: when it ends, its status, its
// registrar, and whether an "organisation" or a "person" holds it. What it does not say is zero.
// Returns CodeUnsure where it does not answer.
func (r *Room) Registered(ctx context.Context, domain string) (expires core.Moment, status []string, registrar, holder string, err error) {
	told, err := ability.Network{Private: r.Private}.Domain(ctx, domain)
	return told.Expires, told.Status, told.Registrar, told.Holder, err
}
