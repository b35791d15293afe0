package app

import (
	"context"
	"html/template"
	"net/http"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
)

// publicPages are everybody's pages that no room has.
func (a *App) publicPages(face *web.Face, home []web.Panel) web.Pages {
	limits := web.NewPage[limitsPage](face, pages, "pages/limits.html")
	contact := web.NewPage[web.Host](face, pages, "pages/contact.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET /{$}", Handler: a.homePage(face, home)},
			{Pattern: "GET /limits", Handler: limits.Show(func(r *http.Request) (limitsPage, error) {
				lines, err := a.limits(r.Context())
				return limitsPage{face.Host(r.Context()), lines}, err
			})},
			{Pattern: "GET /contact", Handler: contact.Show(func(r *http.Request) (web.Host, error) {
				return face.Host(r.Context()), nil
			})},
		},
		Menu: []web.Entry{
			{Path: "/limits", Key: "app.menu_limits", Order: 40},
			{Path: "/contact", Key: "app.menu_contact", Order: 90},
		},
	}
}

// homePage is what a visitor sees first.
type homePage struct {
	Host   web.Host
	Panels []template.HTML
	Limits []fit.Limit
}

// onHome is how many limits the home page shows before it refers to their page.
const onHome = 4

func (a *App) homePage(face *web.Face, panels []web.Panel) http.Handler {
	page := web.NewPage[homePage](face, pages, "pages/home.html")
	return page.Show(func(r *http.Request) (homePage, error) {
		limits, err := a.limits(r.Context())
		limits = limits[:min(len(limits), onHome)]
		return homePage{face.Host(r.Context()), face.Render(r, panels), limits}, err
	})
}

// limitsPage says what we cannot do.
type limitsPage struct {
	Host  web.Host
	Lines []fit.Limit
}

// limits are all rooms' lines.
func (a *App) limits(ctx context.Context) ([]fit.Limit, error) {
	var all []fit.Limit
	for _, f := range a.fittings {
		if f.Limits == nil {
			continue
		}
		lines, err := f.Limits(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}
