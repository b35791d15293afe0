package debate

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

const (
	feedPath = "/debates/feed.atom"
	inFeed   = 50
)

// feedRoute is RFC 4287: debates that were made public, the newest first. Its dates are
// days, not moments.
func (v views) feedRoute() web.Route {
	return web.Route{Pattern: "GET " + feedPath, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.site.Answer(w, r, atom.Type, "public, max-age=60", func(p *words.Printer) ([]byte, error) { return v.feed(r, p) })
	})}
}

func (v views) feed(r *http.Request, p *words.Printer) ([]byte, error) {
	list, err := v.List(r.Context(), []State{Public, Closed}, inFeed, 0)
	if err != nil {
		return nil, err
	}
	home, self := v.n.URL+Path, string(v.self())
	f := atom.Feed{
		ID: home, Lang: p.Lang, Title: p.T("assembly.debate.feed_title", args{"Hoster": self}), Author: self, Home: home, Self: v.n.URL + feedPath + "?lang=" + p.Lang,
	}
	if len(list) == 0 {
		f.Updated = onDay(v.now())
	}
	for _, d := range list {
		link := home + "/" + d.ID
		text := slices.DeleteFunc([]string{d.Story.What, d.Question}, func(s string) bool { return s == "" })
		f.Entries = append(f.Entries, atom.Entry{URL: link, Title: titleOf(p, d) + " (" + v.stands(p, d) + ")", Updated: onDay(max(d.Published, d.Ended)), Text: strings.Join(text, "\n\n")})
	}
	return f.Encode()
}

// onDay is the day of a moment.
func onDay(m core.Moment) time.Time { return m.Time().UTC().Truncate(day) }
