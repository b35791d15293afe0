package app

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/duty"
	"entrechat/internal/room/trust/pact"
)

// pactsForCustody lets custody ask what stands in our pacts of what we cannot do.
func pactsForCustody(a *App) any {
	if room, ok := opened[trustRoom](a); ok {
		return trustPacts{room}
	}
	return nil
}

type trustPacts struct{ trustRoom }

// Agreed is what custody.Pacts asks.
func (t trustPacts) Agreed(ctx context.Context) ([]duty.Pact, error) {
	all, err := t.Pacts.List(ctx)
	out := make([]duty.Pact, 0, len(all))
	for _, h := range all {
		if h.State(core.At(time.Now())) != pact.Active {
			continue
		}
		ours, theirs := h.Side(t.Self.Member)
		out = append(out, duty.Pact{
			ID: h.ID, Member: theirs.Member, Since: h.Accepted.At, Ours: h.CardOf(ours.Member).Limits, Theirs: h.CardOf(theirs.Member).Limits,
		})
	}
	return out, err
}
