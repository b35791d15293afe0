package site

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/announce"
	"entrechat/internal/room/directory/freshness"
)

const (
	atomPath = "/feeds/atom.xml"
	jsonPath = "/feeds/feed.json"
	inFeed   = 50

	jsonType = "application/feed+json"
)

// item is one change as feeds tell it.
type item struct {
	ID    string
	URL   string
	Title string
	At    time.Time
}

// feed is all that both formats need.
type feed struct {
	Title, Home, Self, Lang string
	Items                   []item
	Updated                 time.Time
}

// feeds are the changes at this hoster, in both formats and languages (?lang=).
// spec: docs/spec/api.md#feeds
func (r *Site) feeds(site *web.Site) web.Pages {
	serve := func(path, kind string, write func(feed) ([]byte, error)) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Del("Set-Cookie")
			f, err := r.feed(req.Context(), site.Printer(req), path)
			var data []byte
			if err == nil {
				data, err = write(f)
			}
			if err != nil {
				site.Fail(w, req, err)
				return
			}
			w.Header().Set("Vary", "Accept-Language, Cookie") // without ?lang= they name the language
			Send(w, req, kind, data)
		})}
	}
	return web.Pages{
		Routes: []web.Route{serve(atomPath, atom.Type, atomFeed), serve(jsonPath, jsonType, jsonFeed)},
		Feeds:  []web.Feed{{Path: atomPath, Type: atom.Type}, {Path: jsonPath, Type: jsonType}},
	}
}

func (r *Site) feed(ctx context.Context, p *words.Printer, path string) (feed, error) {
	changes, err := r.n.Announcer.LastChanges(ctx, inFeed)
	if err != nil {
		return feed{}, err
	}
	name, err := r.ownName(ctx)
	if err != nil {
		return feed{}, err
	}
	f := feed{Title: p.T("directory.feed.title", map[string]any{"Name": name}), Home: r.n.URL + "/", Self: r.n.URL + path + "?lang=" + p.Lang, Lang: p.Lang}
	for _, c := range changes {
		f.Items = append(f.Items, r.item(p, c))
	}
	if len(f.Items) > 0 {
		f.Updated = f.Items[0].At
	}
	return f, nil
}

func (r *Site) ownName(ctx context.Context) (string, error) {
	h, _, err := r.n.Own.Listings(ctx)
	if core.CodeOf(err) == core.CodeNotFound {
		return string(r.n.Self), nil
	}
	return h.Name, err
}

func (r *Site) item(p *words.Printer, c announce.Change) item {
	i := item{ID: r.n.URL + "/feeds/" + strconv.FormatInt(c.Seq, 10), URL: r.n.URL + "/", At: c.At.Time()}
	value := ""
	switch c.What {
	case "level":
		value, _ = levelSays(p, c.Value, freshness.Age{})
	case "state":
		value = p.T("directory.hoster."+c.Value, map[string]any{"Day": ""})
	}
	if c.Slug != "" && c.What != "ended" {
		i.URL = r.n.URL + ServicesPath + "/" + c.Slug
	}
	i.Title = p.T("directory.feed."+c.What, map[string]any{"Name": c.Name, "Value": value})
	return i
}

// atomFeed writes RFC 4287.
func atomFeed(f feed) ([]byte, error) {
	out := atom.Feed{Lang: f.Lang, Title: f.Title, Author: f.Title, Home: f.Home, Self: f.Self, Updated: f.Updated}
	for _, i := range f.Items {
		out.Entries = append(out.Entries, atom.Entry{ID: i.ID, URL: i.URL, Title: i.Title, Updated: i.At})
	}
	return out.Encode()
}

// jsonFeed writes JSON Feed 1.1.
func jsonFeed(f feed) ([]byte, error) {
	items := make([]map[string]any, 0, len(f.Items))
	for _, i := range f.Items {
		items = append(items, map[string]any{"id": i.ID, "url": i.URL, "content_text": i.Title, "date_published": i.At.UTC().Format(time.RFC3339)})
	}
	return wire.Encode(map[string]any{
		"version": "https://jsonfeed.org/version/1.1", "title": f.Title, "home_page_url": f.Home, "feed_url": f.Self, "language": f.Lang, "items": items,
	})
}
