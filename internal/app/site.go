package app

import (
	"context"
	"embed"
	"html/template"
	"net/http"
	"time"

	"entrechat/internal/core"
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
	all := make([]web.Pages, 1, len(a.fittings)+1)
	for _, f := range a.fittings {
		if f.Web != nil {
			all = append(all, f.Web(face))
		}
	}
	all[0] = a.ownPages(face, all[1:])
	return face.Handler(all)
}

// host is how pages name us.
func (a *App) host(ctx context.Context) web.Host {
	host := web.Host{Name: a.Config.Node.Origin, Origin: a.Signer.ID(), Contact: a.Config.Node.Contact}
	if self, err := a.Book.Member(ctx, a.Signer.ID()); err == nil {
		host.Fingerprint = seal.Fingerprint(self.Root)
	}
	return host
}

// ownPages are those no room has.
func (a *App) ownPages(face *web.Face, rooms []web.Pages) web.Pages {
	var home []web.Panel
	for _, r := range rooms {
		home = append(home, r.Home...)
	}
	return web.Pages{
		Routes: []web.Route{{Pattern: "GET /{$}", Handler: a.homePage(face, home)}},
	}
}

// homePage is what a visitor sees first.
type homePage struct {
	Host   web.Host
	Panels []template.HTML
	Limits []limitLine
}

func (a *App) homePage(face *web.Face, panels []web.Panel) http.Handler {
	page := web.NewPage[homePage](face, pages, "pages/home.html")
	return page.Show(func(r *http.Request) (homePage, error) {
		limits, err := a.limits(r.Context())
		return homePage{face.Host(r.Context()), face.Render(r, panels), limits}, err
	})
}

// limitLine is a line of what we say we cannot do.
type limitLine struct {
	Key  string
	Args map[string]any
	Kind core.GrantKind
}

// limits are all rooms' lines.
func (a *App) limits(ctx context.Context) ([]limitLine, error) {
	var all []limitLine
	for _, f := range a.fittings {
		if f.Limits == nil {
			continue
		}
		lines, err := f.Limits(ctx)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			all = append(all, limitLine(l))
		}
	}
	return all, nil
}
