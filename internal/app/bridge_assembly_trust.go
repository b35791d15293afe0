package app

import (
	"context"
	"slices"

	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/trust/collective"
)

// collectivesForAssembly lets the assembly ask what charters say, and whom we know.
func collectivesForAssembly(a *App) any {
	if room, ok := opened[trustRoom](a); ok {
		return trustCollectives{room}
	}
	return nil
}

type trustCollectives struct{ trustRoom }

// Society is what elector.Collectives asks.
func (t trustCollectives) Society(ctx context.Context, charter string) (elector.Society, error) {
	c, err := t.Collectives.Get(ctx, charter)
	return elector.Society{Charter: charterOf(c), Root: c.Root, Suspended: c.Barred}, err
}

// Followed is what elector.Collectives asks.
func (t trustCollectives) Followed(ctx context.Context) (out []elector.Charter, err error) {
	all, err := t.Collectives.List(ctx)
	for _, c := range all {
		if slices.Contains(c.Joined, t.Self.Member) {
			out = append(out, charterOf(c))
		}
	}
	return out, err
}

// charterOf is what an electorate depends on of a charter.
func charterOf(c collective.Collective) elector.Charter {
	out := elector.Charter{ID: c.ID, Name: c.Charter.Name, Admit: c.Charter.Admit, Founders: make([]elector.Founder, 0, len(c.Charter.Founders))}
	for _, f := range c.Charter.Founders {
		out.Founders = append(out.Founders, elector.Founder{Member: f.Member, Root: f.Root})
	}
	return out
}

var _ elector.Collectives = trustCollectives{}
