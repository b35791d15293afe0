package app

import (
	"context"
	"embed"
	"net/http"
	"time"

	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// site is everything a browser reaches: the house's own pages and the rooms'.
func (a *App) site() http.Handler {
	face := web.New(web.Needs{
		DB: a.DB, Words: a.Words, Lang: a.Config.Node.Lang, URL: a.Config.Node.URL,
		Host: a.host, Now: time.Now, Log: a.Log,
	})
	var rooms web.Pages
	for _, f := range a.fittings {
		if f.Web == nil {
			continue
		}
		room := f.Web(face)
		rooms.Routes = append(rooms.Routes, room.Routes...)
		rooms.Menu = append(rooms.Menu, room.Menu...)
		rooms.Home = append(rooms.Home, room.Home...)
		rooms.Overview = append(rooms.Overview, room.Overview...)
	}
	return face.Handler([]web.Pages{a.publicPages(face, rooms.Home), a.adminPages(face, rooms.Overview), rooms})
}

// host is how pages name us.
func (a *App) host(ctx context.Context) web.Host {
	host := web.Host{Name: a.Config.Node.Origin, Origin: a.Signer.ID(), Contact: a.Config.Node.Contact}
	if self, err := a.Book.Member(ctx, a.Signer.ID()); err == nil {
		host.Fingerprint = seal.Fingerprint(self.Root)
	}
	return host
}
