package pact

import (
	"html/template"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/grant"
)

// balance draws the room both promise as two bars of one scale; empty where nobody
// promises any.
func balance(p *words.Printer, types grant.Types, v View) template.HTML {
	gives, gets := room(types, v.Gives), room(types, v.Gets)
	if gives+gets == 0 {
		return ""
	}
	bar := func(key string, n int64) web.Bar {
		return web.Bar{Name: p.T(key, nil), Parts: []web.BarPart{{Amount: n, Says: p.Bytes(core.Size(n)), Kind: web.BarUsed}}}
	}
	return web.Bars{
		Caption: web.Caption{Title: p.T("trust.pacts.balance", map[string]any{"Member": v.Member})},
		Bars:    []web.Bar{bar("trust.col.gives", gives), bar("trust.col.gets", gets)},
	}.HTML()
}

// room is how many bytes grants promise together.
func room(types grant.Types, grants []core.Grant) (sum int64) {
	for _, g := range grants {
		kind, _ := types.Of(g.Kind)
		for _, f := range kind.Fields {
			if f.Unit == core.UnitBytes {
				sum += g.Amount(f.Name)
			}
		}
	}
	return sum
}
