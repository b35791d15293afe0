package show

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/status"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where the state of our services is shown; below it stand all others.
const Path = "/status"

// Needs is what the pages are made of; all of it is required but Subscribe.
type Needs struct {
	Board *status.Board
	URL   string // where this node is reached, without a slash at its end
	// Subscribe is the page where people ask for news by mail, for ?hoster=; empty = we send none.
	Subscribe string
}

// Show is the pages.
type Show struct{ n Needs }

// New makes them.
func New(n Needs) *Show { return &Show{n} }

// Pages are all of them, with their place in everybody's menu.
func (s *Show) Pages(site *web.Site) web.Pages {
	// A page's main part is made once for each snapshot, language and address.
	own := page(s, site, s.hosterView, "hoster.html")
	all := page(s, site, s.hostersView, "hosters.html")
	out := web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: s.first(own, all)},
			{Pattern: "GET " + Path + "/hosters", Handler: all},
			{Pattern: "GET " + Path + "/learned", Handler: page(s, site, s.learnedView, "learned.html")},
			{Pattern: "GET " + Path + "/{hoster}", Handler: s.orJSON(own)},
			{Pattern: "GET " + Path + "/{hoster}/services/{service}", Handler: page(s, site, s.serviceView, "service.html")},
			{Pattern: "GET " + Path + "/{hoster}/incidents/{incident}", Handler: page(s, site, s.incidentView, "incident.html")},
		},
		Menu:  []web.Entry{{Path: Path, Key: "watch.status.menu", Order: 15}},
		Feeds: []web.Feed{{Path: Path + "/" + feedFile, Type: atom.Type}},
	}
	out.Routes = append(out.Routes, s.files(site)...)
	return out
}

// first is our own hoster's page or, while nothing of ours is watched, the list of others.
func (s *Show) first(own, all http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := s.n.Board.Of(s.n.Board.Self()); (!ok || len(p.Services) == 0) && len(s.n.Board.All()) > 1 {
			all.ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// orJSON also answers /status/{hoster}.json.
func (s *Show) orJSON(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, cut := strings.CutSuffix(r.PathValue("hoster"), ".json"); cut {
			if p, ok := s.n.Board.Of(core.MemberID(name)); ok {
				send(w, r, jsonType, p.JSON)
				return
			}
		}
		page.ServeHTTP(w, r)
	})
}

// posted is the snapshot that a request asks for; without a hoster in its address it is
// the first, ours. Returns CodeNotFound, or CodeUnsure while the node has just started.
func (s *Show) posted(r *http.Request) (*status.Posted, error) {
	id := core.MemberID(r.PathValue("hoster"))
	all := s.n.Board.All()
	if id == "" && len(all) > 0 {
		return all[0], nil
	}
	if p, ok := s.n.Board.Of(id); ok {
		return p, nil
	}
	if len(all) == 0 {
		return nil, core.Unsure("watch.status.starting", errors.New("no snapshot yet"))
	}
	return nil, core.NotFound("watch.status.no_hoster", errors.New("no snapshot of this hoster"))
}

// telling is the snapshot that a request asks for, and who says it in its language.
func (s *Show) telling(r *http.Request, p *words.Printer) (*status.Posted, teller, error) {
	posted, err := s.posted(r)
	if err != nil {
		return nil, teller{}, err
	}
	return posted, newTeller(p, &posted.Snapshot, s.n.Board.Self(), s.n.Board.Clock()), nil
}

// framed is a page around a main part that is there already.
type framed struct {
	Title string
	Feed  string // address of the hoster's feed
	Body  template.HTML
	// Age is how old what is shown is, where that is worth a banner.
	Old bool
	Age time.Duration
}

// kept is a main part with its title.
type kept struct {
	title string
	body  template.HTML
}

// reader answers what a page shows, and its title.
type reader[T any] func(r *http.Request, p *words.Printer) (title string, data T, err error)

// page shows what read says, in the template of a file that defines "part". What was made
// of one snapshot for one address and language is kept until the next snapshot: who asks
// gets it from memory.
func page[T any](s *Show, site *web.Site, read reader[T], file string) http.Handler {
	frame := web.NewPage[framed](site, pages, "pages/framed.html")
	part := web.NewPart[T](site, pages, "pages/"+file, "pages/parts.html")
	return frame.Show(func(r *http.Request) (framed, error) {
		p := site.Printer(r)
		posted, err := s.posted(r)
		if err != nil {
			return framed{}, err
		}
		out := framed{Feed: address(posted.Hoster, feedFile)}
		out.Age, out.Old = old(posted, s.n.Board.Clock())
		key := p.Lang + r.URL.Path
		one, there := kept{}, false
		if k, ok := posted.Kept.Load(key); ok {
			one, there = k.(kept)
		}
		if !there {
			title, data, err := read(r, p)
			if err != nil {
				return framed{}, err
			}
			body, err := part.Fill(p.Lang, data)
			if err != nil {
				return framed{}, err
			}
			one = kept{title, body}
			posted.Kept.Store(key, one)
		}
		out.Title, out.Body = one.title, one.body
		return out, nil
	})
}

// address is where a page of a hoster stands.
func address(hoster core.MemberID, parts ...string) string {
	return strings.Join(append([]string{Path, string(hoster)}, parts...), "/")
}
