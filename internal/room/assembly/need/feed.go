package need

import (
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/static"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

const (
	feedPath = "/needs/feed.atom"
	inFeed   = 50
)

// feedRoute is RFC 4287: what was published and answered, the newest first. Its dates are
// days, not moments.
func (v views) feedRoute() web.Route {
	return web.Route{Pattern: "GET " + feedPath, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.site.Answer(w, r, atom.Type, "public, max-age=60", func(p *words.Printer) ([]byte, error) { return v.feed(r, p) })
	})}
}

func (v views) feed(r *http.Request, p *words.Printer) ([]byte, error) {
	list, err := latest(r.Context(), v.n.DB, inFeed)
	if err != nil {
		return nil, err
	}
	if err := fill(r.Context(), v.n.DB, list); err != nil {
		return nil, err
	}
	home := v.n.URL + Path
	f := atom.Feed{
		ID: home, Lang: p.Lang, Title: p.T("assembly.need.feed_title", args{"Hoster": string(v.n.Self)}), Author: string(v.n.Self), Home: home, Self: v.n.URL + feedPath + "?lang=" + p.Lang,
	}
	if len(list) == 0 {
		f.Updated = onDay(v.now())
	}
	for _, n := range list {
		text := []string{n.ShownGoal}
		if n.ShownObstacle != "" {
			text = append(text, n.ShownObstacle)
		}
		if k := len(n.Answers); k > 0 {
			text = append(text, v.says(p, n.Answers[k-1]))
		}
		link := home + "#need-" + n.ID
		f.Entries = append(f.Entries, atom.Entry{URL: link, Title: short(n.ShownGoal) + " (" + stands(p, n) + ")", Updated: onDay(n.Changed), Text: strings.Join(text, "\n\n")})
	}
	return f.Encode()
}

// onDay is the day of a moment: the exact time would say when its author was up.
func onDay(m core.Moment) time.Time { return m.Time().UTC().Truncate(24 * time.Hour) }

// ServeExport answers the export to anybody.
func (s *Service) ServeExport(w http.ResponseWriter, r *http.Request) error {
	data, err := s.Export(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	static.Serve(w, r, "application/json", "public, max-age=60", data)
	return nil
}
