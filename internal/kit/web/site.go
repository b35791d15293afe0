package web

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/words"
)

//go:embed pages
var pages embed.FS

// Words are the kit's own sentences.
//
//go:embed words/*.toml
var Words embed.FS

// Host is the hoster as every page's head and foot name it.
type Host struct {
	Name        string // as people call it
	Origin      core.MemberID
	Fingerprint string
	Contact     string // role address, may be empty
}

// Needs is what the site is made of; all but Entrance is required.
type Needs struct {
	DB    *db.DB // with Migrations applied
	Words *words.Catalogue
	// Lang is the language of a visitor whose browser asks for none of ours.
	Lang string
	// URL is where browsers reach the node. Cookies are for https only when it
	// begins with that, whatever the connection from a proxy looks like.
	URL  string
	Host func(ctx context.Context) Host
	// Entrance recognises admins by their account; nil = they come by links alone.
	Entrance *Entrance
	Now      func() time.Time
	Log      *slog.Logger
}

// Site is the node's appearance to people: the frame around every page, its
// languages, its rules of security, and who may see the admin's half.
type Site struct {
	Needs
	printers map[string]*words.Printer
	style    asset
	mark     asset
	fail     *Page[failure]
	enter    *Page[entrance]
	menu     []Entry // everybody's
	admin    []Entry
	feeds    []Feed
	banners  []Panel
	scripts  []*Script
}

// Route is one pattern of net/http's ServeMux and its handler.
type Route struct {
	Pattern string
	Handler http.Handler
}

// Pages are what a room adds to the site.
type Pages struct {
	// Routes below /admin/ are for who is signed in; the site sees to that.
	Routes []Route
	Menu   []Entry
	Feeds  []Feed
	// Home are sections of the public home page, Overview of the admin's.
	Home, Overview []Panel
	// Alarms stand above the admin's overview, while something is wrong that cannot wait.
	Alarms []Panel
	// Banners stand above everybody's pages, all of them, while everybody has to know something.
	Banners []Panel
}

// Feed is a list of news that the head of everybody's pages names.
type Feed struct{ Path, Type string }

// New makes the site. It panics when one of its own pages is wrong, like
// template.Must: they are part of the program.
func New(n Needs) *Site {
	s := &Site{Needs: n, printers: map[string]*words.Printer{}}
	for _, lang := range []string{words.French, words.English} {
		s.printers[lang] = n.Words.Printer(lang)
	}
	s.style = newAsset(own(), "style.css", "text/css; charset=utf-8")
	s.mark = newAsset(own(), "mark.svg", "image/svg+xml")
	s.fail = NewPage[failure](s, own(), "fail.html")
	s.enter = NewPage[entrance](s, own(), "enter.html")
	return s
}

func own() fs.FS {
	sub, err := fs.Sub(pages, "pages")
	if err != nil {
		panic(err)
	}
	return sub
}

// Handler serves a whole site: pages, menus, signing in and out, the stylesheet,
// and a page in the visitor's language for all that is not there. It is called
// once.
func (s *Site) Handler(parts []Pages) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+s.style.path, s.style)
	mux.Handle("GET "+s.mark.path, s.mark)
	mux.Handle("GET /favicon.ico", http.RedirectHandler(s.mark.path, http.StatusFound))
	for _, script := range s.scripts {
		mux.Handle("GET "+script.path, script)
	}
	for _, route := range s.signRoutes() {
		mux.Handle(route.Pattern, route.Handler)
	}
	for _, p := range parts {
		for _, entry := range p.Menu {
			if strings.HasPrefix(entry.Path, adminPath) {
				s.admin = append(s.admin, entry)
			} else {
				s.menu = append(s.menu, entry)
			}
		}
		s.feeds = append(s.feeds, p.Feeds...)
		s.banners = append(s.banners, p.Banners...)
		for _, route := range p.Routes {
			mux.Handle(route.Pattern, route.Handler)
		}
	}
	inOrder(s.menu)
	inOrder(s.admin)
	mux.Handle("/", http.HandlerFunc(s.notFound))
	return s.guard(mux)
}
