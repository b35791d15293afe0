package grant

import (
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Line says what grants promise on one line.
func (t Types) Line(p *words.Printer, grants []core.Grant) string {
	if len(grants) == 0 {
		return p.T("trust.nothing", nil)
	}
	return strings.Join(t.Words(p, grants), " ; ")
}

// Words says what grants promise, one line each.
func (t Types) Words(p *words.Printer, grants []core.Grant) (out []string) {
	for _, g := range grants {
		kind, _ := t.Of(g.Kind)
		key, said := kind.Words+"says", map[string]any{}
		for _, f := range kind.Fields {
			n := g.Amounts[f.Name]
			switch f.Unit {
			case core.UnitBytes:
				said[f.Place] = p.Bytes(core.Size(n))
			case core.UnitRate:
				said[f.Place] = rateWords(n)
			case core.UnitSeconds:
				said[f.Place] = p.Span(time.Duration(n) * time.Second)
			case core.UnitNames:
				said[f.Place] = strings.Join(g.Names[f.Name], ", ")
			}
			if n > 0 || len(g.Names[f.Name]) > 0 {
				key += f.Suffix
			}
		}
		out = append(out, p.T(key, said))
	}
	return out
}

// rateWords is a rate in bits per second as network people write it.
func rateWords(bits int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"Gbit/s", 1e9}, {"Mbit/s", 1e6}, {"kbit/s", 1e3}} {
		if bits >= u.size && bits%u.size == 0 {
			return strconv.FormatInt(bits/u.size, 10) + "\u00a0" + u.name
		}
	}
	return strconv.FormatInt(bits, 10) + "\u00a0bit/s"
}
