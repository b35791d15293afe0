package app

import (
	"context"
	"html/template"
	"net/http"
	"time"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
)

// publicPages are everybody's pages that no room has.
func (a *App) publicPages(site *web.Site, home []web.Panel) web.Pages {
	limits := web.NewPage[limitsPage](site, pages, "pages/limits.html")
	lines := &kept[[]fit.Limit]{lives: lookAgain, make: a.limits}
	contact := web.NewPage[web.Host](site, pages, "pages/contact.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET /{$}", Handler: a.homePage(site, home, lines)},
			{Pattern: "GET /limits", Handler: limits.Show(func(r *http.Request) (limitsPage, error) {
				all, err := lines.at(r.Context(), time.Now())
				return limitsPage{all.value}, err
			})},
			{Pattern: "GET /contact", Handler: contact.Show(func(r *http.Request) (web.Host, error) {
				return site.Host(r.Context()), nil
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

func (a *App) homePage(site *web.Site, panels []web.Panel, lines *kept[[]fit.Limit]) http.Handler {
	page := web.NewPage[homePage](site, pages, "pages/home.html")
	return page.Show(func(r *http.Request) (homePage, error) {
		all, err := lines.at(r.Context(), time.Now())
		first := all.value[:min(len(all.value), onHome)]
		return homePage{site.Host(r.Context()), site.Render(r, panels), first}, err
	})
}

// limitsPage says what we cannot do.
type limitsPage struct{ Lines []fit.Limit }

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
