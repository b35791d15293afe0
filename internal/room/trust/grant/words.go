package grant

import (
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Line says what grants promise on one line.
func Line(p *words.Printer, grants []core.Grant) string {
	if len(grants) == 0 {
		return p.T("trust.nothing", nil)
	}
	return strings.Join(Words(p, grants), " ; ")
}

// Words says what grants promise, one line each.
func Words(p *words.Printer, grants []core.Grant) (out []string) {
	for _, g := range grants {
		key := "trust.grant." + string(g.Kind)
		switch {
		case g.RateBits > 0:
			key += "_rate"
		case g.Kind == core.GrantLogin && len(g.Services) == 0:
			key += "_all"
		}
		out = append(out, p.T(key, map[string]any{
			"Size":     p.Bytes(core.Size(g.Bytes)),
			"Rate":     rateWords(g.RateBits),
			"Every":    p.Span(time.Duration(g.EveryS) * time.Second),
			"Services": strings.Join(g.Services, ", "),
		}))
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
