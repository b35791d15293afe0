package show

import (
	"errors"
	"html"
	"net/http"
	"strconv"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/watch/status"
)

// maxBadge is how many letters of a name a badge shows.
const maxBadge = 30

func hosterBadge(_ *http.Request, p *status.Posted, t teller) ([]byte, error) {
	c, n := works, 0
	order := map[condition]int{works: 0, repaired: 1, nobody: 2, partly: 3, away: 4}
	for i := range p.Services {
		switch one := t.condition(&p.Services[i]); {
		case order[one] > order[c]:
			c, n = one, 1
		case one == c:
			n++
		}
	}
	says := t.T("watch.status.badge_up", nil)
	switch {
	case len(p.Services) == 0 || t.stale(p):
		c, says = nobody, t.T("watch.status.is_unknown", nil)
	case c != works:
		says = t.T("watch.status.badge_"+string(c), map[string]any{"Count": n})
	}
	return badge(p.Name, says, c.severity()), nil
}

func serviceBadge(r *http.Request, p *status.Posted, t teller) ([]byte, error) {
	one, ok := p.Service(r.PathValue("service"))
	if !ok {
		return nil, core.NotFound("watch.status.no_service", errors.New("no such service"))
	}
	c := t.condition(one)
	if t.stale(p) {
		c = nobody
	}
	return badge(one.Name, t.T("watch.status.is_"+string(c), nil), c.severity()), nil
}

// stale: what is shown is so old that a badge, which has no room to say so, says nothing.
func (t teller) stale(p *status.Posted) bool {
	_, is := old(p, t.now)
	return is
}

// badge is a small picture with a name and a state. Both are strangers' texts to it.
func badge(name, says string, severity web.Severity) []byte {
	if utf8.RuneCountInString(name) > maxBadge {
		name = string([]rune(name)[:maxBadge-1]) + "…"
	}
	const letter, edge = 7, 9
	left, right := letter*utf8.RuneCountInString(name)+2*edge, letter*utf8.RuneCountInString(says)+2*edge+14
	colour := map[web.Severity]string{web.Fine: "#3f6b3a", web.Warn: "#7a5400", web.Trouble: "#a3241b", web.None: "#5d5753"}[severity]
	mark := map[web.Severity]string{
		web.Fine:    "M0 4l3 3 6-7",       // a tick
		web.Warn:    "M0 8l4.5-8 4.5 8z",  // a triangle
		web.Trouble: "M0 0h8v8h-8z",       // a square
		web.None:    "M0 4h2m2 0h2m2 0h2", // dots
	}[severity]
	fill := `fill="#fff"`
	if severity == web.Fine || severity == web.None {
		fill = `fill="none" stroke="#fff" stroke-width="2"`
	}
	name, says = html.EscapeString(name), html.EscapeString(says)
	n := strconv.Itoa
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="` + n(left+right) + `" height="22" role="img" aria-label="` + name + `: ` + says + `">` +
		`<title>` + name + `: ` + says + `</title>` +
		`<rect width="` + n(left+right) + `" height="22" rx="4" fill="#2b2420"/>` +
		`<path d="M` + n(left) + ` 0h` + n(right-4) + `a4 4 0 0 1 4 4v14a4 4 0 0 1-4 4h-` + n(right-4) + `z" fill="` + colour + `"/>` +
		`<path transform="translate(` + n(left+edge) + ` 7)" d="` + mark + `" ` + fill + `/>` +
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">` +
		`<text x="` + n(edge) + `" y="15" textLength="` + n(left-2*edge) + `">` + name + `</text>` +
		`<text x="` + n(left+edge+14) + `" y="15" textLength="` + n(right-2*edge-14) + `">` + says + `</text></g></svg>`)
}
