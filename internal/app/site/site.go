// Package site puts the pages of the house and of its rooms together: the home page, what
// we cannot do, the overview, the logbook and the settings.
package site

import (
	"cmp"
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/app/config"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Book is what the pages read of the logbooks.
type Book interface {
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Known(ctx context.Context) ([]logbook.Member, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
}

// Needs is what the pages are made of.
type Needs struct {
	DB       *db.DB
	Data     string // the data directory, to name the configuration in it
	Store    string // the folder of members' shards, to measure its disk
	Config   func() config.Config
	Self     core.MemberID
	Book     Book
	Words    *words.Catalogue
	Lang     *words.Printer // of the settings page
	Fittings []fit.Fittings
	Checks   func() []fit.Check // what doctor asks
	// Around says who is around us and what is stored with whom; what nobody knows is zero.
	Around func(ctx context.Context) (Around, error)
	Log    *slog.Logger
}

// Site is everything a browser reaches: the house's own pages and the rooms'.
type Site struct {
	n   Needs
	web *web.Site // what all pages have in common
}

// New makes the pages.
func New(n Needs) *Site {
	s := &Site{n: n}
	node := n.Config().Node
	needs := web.Needs{DB: n.DB, Words: n.Words, Lang: node.Lang, URL: node.URL, Host: s.host, Now: time.Now, Log: n.Log}
	for _, f := range n.Fittings {
		if f.Entrance != nil {
			needs.Entrance = f.Entrance
		}
	}
	s.web = web.New(needs)
	return s
}

// Busy answers instead of a page when the node has too much to do.
func (s *Site) Busy(w http.ResponseWriter, r *http.Request, err error) { s.web.Busy(w, r, err) }

// Handler answers for all pages.
func (s *Site) Handler() http.Handler {
	var rooms web.Pages
	for _, f := range s.n.Fittings {
		if f.Web == nil {
			continue
		}
		room := f.Web(s.web)
		rooms.Routes = append(rooms.Routes, room.Routes...)
		rooms.Feeds = append(rooms.Feeds, room.Feeds...)
		rooms.Menu = append(rooms.Menu, room.Menu...)
		rooms.Home = append(rooms.Home, room.Home...)
		rooms.Banners = append(rooms.Banners, room.Banners...)
		rooms.Overview, rooms.Alarms = append(rooms.Overview, room.Overview...), append(rooms.Alarms, room.Alarms...)
	}
	return s.web.Handler([]web.Pages{s.publicPages(rooms.Home), s.adminPages(rooms), rooms})
}

// host is how pages name us.
func (s *Site) host(ctx context.Context) web.Host {
	host := web.Host{Name: string(s.n.Self), Origin: s.n.Self, Contact: s.n.Config().Node.Contact}
	if self, err := s.n.Book.Member(ctx, s.n.Self); err == nil {
		host.Fingerprint = seal.Fingerprint(self.Root)
	}
	// A file of ours that cannot be read is doctor's to tell; pages go on.
	if said, ok, err := Presented(ctx, s.n.Fittings); ok && err == nil {
		host.Name, host.Contact = cmp.Or(said.Name, host.Name), cmp.Or(said.Contact, host.Contact)
	}
	return host
}

// Presented is what a room knows of who we are; ok is false while nobody said it, as on a
// node whose logbook is not back yet.
func Presented(ctx context.Context, fittings []fit.Fittings) (host web.Host, ok bool, err error) {
	for _, f := range fittings {
		if f.Host != nil {
			return f.Host(ctx)
		}
	}
	return host, false, nil
}
