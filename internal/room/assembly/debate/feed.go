package debate

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrechat/internal/kit/static"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

const (
	feedPath = "/debates/feed.atom"
	atomType = "application/atom+xml"
	inFeed   = 50
)

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Content string   `xml:"content"` // plain text
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

// feedRoute is RFC 4287: debates that were made public, the newest first. Its dates are
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
	list, err := v.List(r.Context(), []State{Public, Closed}, inFeed, 0)
	if err != nil {
		return nil, err
	}
	home, self := v.n.URL+Path, string(v.self())
	f := atomFeed{
		Lang: p.Lang, ID: home, Title: p.T("assembly.debate.feed_title", args{"Hoster": self}), Author: self, Updated: onDay(v.now().Time()),
		Links: []atomLink{{Href: home}, {Rel: "self", Href: v.n.URL + feedPath + "?lang=" + p.Lang}},
	}
	for i, d := range list {
		updated := onDay(max(d.Published, d.Ended).Time())
		if i == 0 {
			f.Updated = updated
		}
		link := home + "/" + d.ID
		text := slices.DeleteFunc([]string{d.Story.What, d.Question}, func(s string) bool { return s == "" })
		f.Entries = append(f.Entries, atomEntry{ID: link, Title: titleOf(p, d) + " (" + v.stands(p, d) + ")", Updated: updated, Link: atomLink{Href: link}, Content: strings.Join(text, "\n\n")})
	}
	data, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), data...), err
}

// onDay is a day as RFC 3339 writes a moment.
func onDay(t time.Time) string { return t.UTC().Truncate(day).Format(time.RFC3339) }
