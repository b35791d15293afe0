package retrieve

import (
	"io"
	"slices"

	"entrechat/internal/room/vault/catalogue"
)

// storeParts writes down the shards that came whole of an object of which too few did.
// Failing is no more than slow.
func (g *gathering) storeParts() {
	if g.o.Code.K == 1 || g.have == nil {
		return
	}
	for i, at := range g.have {
		if at < 0 {
			continue
		}
		if err := g.by.Parts.Put(g.o.ID, i, io.NewSectionReader(g.file, at, g.size), g.size); err != nil {
			g.by.Log.Warn("keeping a shard for the next try failed", "object", g.o.ID.String(), "error", err)
			return
		}
	}
}

// takeParts puts the shards that came with an earlier try into their places.
func (g *gathering) takeParts() error {
	if g.o.Code.K == 1 {
		return nil
	}
	for i := range g.have {
		n := slices.IndexFunc(g.sources, func(p catalogue.Placement) bool { return p.Index == i })
		if n < 0 || g.count() == g.o.Code.K {
			continue
		}
		p, at := g.sources[n], int64(i)*g.size
		if i >= g.o.Code.K {
			g.tickets++
			at = g.o.Code.Padded(g.o.Sealed) + int64(g.tickets)*g.size
		}
		ok, err := g.by.Parts.CopyTo(io.NewOffsetWriter(g.file, at), g.o.ID, i, g.size, p.Root)
		if err != nil {
			return err
		}
		if ok {
			g.have[i], g.from[i] = at, p
		}
	}
	return nil
}
