package app

import (
	"cmp"
	"context"
	"embed"
	"net/http"
	"time"

	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// newSite is what all pages have in common.
func (a *App) newSite() *web.Site {
	return web.New(web.Needs{
		DB: a.DB, Words: a.Words, Lang: a.Config.Node.Lang, URL: a.Config.Node.URL,
		Host: a.host, Now: time.Now, Log: a.Log,
	})
}

// siteHandler is everything a browser reaches: the house's own pages and the rooms'.
func (a *App) siteHandler(site *web.Site) http.Handler {
	var rooms web.Pages
	for _, f := range a.fittings {
		if f.Web == nil {
			continue
		}
		room := f.Web(site)
		rooms.Routes = append(rooms.Routes, room.Routes...)
		rooms.Feeds = append(rooms.Feeds, room.Feeds...)
		rooms.Menu = append(rooms.Menu, room.Menu...)
		rooms.Home = append(rooms.Home, room.Home...)
		rooms.Overview = append(rooms.Overview, room.Overview...)
	}
	return site.Handler([]web.Pages{a.publicPages(site, rooms.Home), a.adminPages(site, rooms.Overview), rooms})
}

// host is how pages name us.
func (a *App) host(ctx context.Context) web.Host {
	host := web.Host{Name: a.Config.Node.Origin, Origin: a.Signer.ID(), Contact: a.Config.Node.Contact}
	if self, err := a.Book.Member(ctx, a.Signer.ID()); err == nil {
		host.Fingerprint = seal.Fingerprint(self.Root)
	}
	// A file of ours that cannot be read is doctor's to tell; pages go on.
	if said, ok, err := a.presented(ctx); ok && err == nil {
		host.Name, host.Contact = cmp.Or(said.Name, host.Name), cmp.Or(said.Contact, host.Contact)
	}
	return host
}

// presented is what a room knows of who we are; ok is false while nobody said it, as on
// a node whose logbook is not back yet.
func (a *App) presented(ctx context.Context) (host web.Host, ok bool, err error) {
	for _, f := range a.fittings {
		if f.Host != nil {
			return f.Host(ctx)
		}
	}
	return host, false, nil
}
