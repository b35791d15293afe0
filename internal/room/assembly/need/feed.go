package need

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/kit/static"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/record"
)

const (
	feedPath = "/needs/feed.atom"
	atomType = "application/atom+xml"
	inFeed   = 50
)

// feedRoute is RFC 4287: what was published and answered, the newest first. Its dates are
// days, not moments.
func (v views) feedRoute() web.Route {
	return web.Route{Pattern: "GET " + feedPath, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Del("Set-Cookie")
		p := v.site.Printer(r)
		data, err := v.feed(r, p)
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		w.Header().Set("Vary", "Accept-Language, Cookie")
		w.Header().Set("Content-Language", p.Lang)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		static.Serve(w, r, atomType, "public, max-age=60", data)
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
	f := record.AtomFeed{
		Lang: p.Lang, ID: home, Title: p.T("assembly.need.feed_title", args{"Hoster": string(v.n.Self)}), Author: string(v.n.Self), Updated: onDay(v.now().Time()),
		Links: []record.AtomLink{{Href: home}, {Rel: "self", Href: v.n.URL + feedPath + "?lang=" + p.Lang}},
	}
	for i, n := range list {
		text := []string{n.ShownGoal}
		if n.ShownObstacle != "" {
			text = append(text, n.ShownObstacle)
		}
		if k := len(n.Answers); k > 0 {
			text = append(text, v.says(p, n.Answers[k-1]))
		}
		updated := onDay(n.Changed.Time())
		if i == 0 {
			f.Updated = updated
		}
		link := home + "#need-" + n.ID
		f.Entries = append(f.Entries, record.AtomEntry{ID: link, Title: short(n.ShownGoal) + " (" + stands(p, n) + ")", Updated: updated, Link: record.AtomLink{Href: link}, Content: strings.Join(text, "\n\n")})
	}
	data, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), data...), err
}

// onDay is a day as RFC 3339 writes a moment: the exact time would say when its author was up.
func onDay(t time.Time) string { return t.UTC().Truncate(24 * time.Hour).Format(time.RFC3339) }

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
