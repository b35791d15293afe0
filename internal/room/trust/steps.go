package trust

import (
	"context"
	"slices"

	"entrechat/internal/kit/fit"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
)

// steps are a first member, and a first pact by which somebody promises us something.
func (r *Room) steps(ctx context.Context) ([]fit.Step, error) {
	list, err := member.All(ctx, r.DB)
	if err != nil {
		return nil, err
	}
	met := false
	for _, m := range list {
		met = met || m.Standing == member.Added && !m.Refused
	}
	pacts, err := r.Pacts.List(ctx)
	promised := slices.ContainsFunc(pacts, func(h pact.Record) bool {
		_, other := h.Side(r.self())
		return h.State(r.now()) == pact.Active && len(other.Grants) > 0
	})
	return []fit.Step{
		{Order: 30, Key: "trust.step_member", Why: "trust.step_member_why", Path: member.Path, Done: met},
		{Order: 40, Key: "trust.step_pact", Why: "trust.step_pact_why", Path: pact.Path, Done: promised},
	}, err
}
