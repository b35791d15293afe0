package site

import (
	"context"
	"html/template"
	"net/http"
	"time"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// publicPages are everybody's pages that no room has.
func (s *Site) publicPages(home []web.Panel) web.Pages {
	limits := web.NewPage[limitsPage](s.web, pages, "pages/limits.html")
	lines := &memo[[]fit.Limit]{lives: lookAgain, make: s.limits}
	contact := web.NewPage[web.Host](s.web, pages, "pages/contact.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET /{$}", Handler: s.homePage(home, lines)},
			{Pattern: "GET /limits", Handler: limits.Show(func(r *http.Request) (limitsPage, error) {
				all, err := lines.at(r.Context(), time.Now())
				return limitsPage{all.value}, err
			})},
			{Pattern: "GET /contact", Handler: contact.Show(func(r *http.Request) (web.Host, error) {
				return s.web.Host(r.Context()), nil
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

func (s *Site) homePage(panels []web.Panel, lines *memo[[]fit.Limit]) http.Handler {
	page := web.NewPage[homePage](s.web, pages, "pages/home.html")
	return page.Show(func(r *http.Request) (homePage, error) {
		all, err := lines.at(r.Context(), time.Now())
		first := all.value[:min(len(all.value), onHome)]
		return homePage{s.web.Host(r.Context()), s.web.Render(r, panels), first}, err
	})
}

// limitsPage says what we cannot do.
type limitsPage struct{ Lines []fit.Limit }

// limits are all rooms' lines.
func (s *Site) limits(ctx context.Context) ([]fit.Limit, error) { return limits(ctx, s.n.Fittings) }

func limits(ctx context.Context, rooms []fit.Fittings) (all []fit.Limit, err error) {
	for _, f := range rooms {
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

// Said are the lines that the hoster wrote itself, in the language of p.
func Said(ctx context.Context, rooms []fit.Fittings, p *words.Printer) (lines []string, err error) {
	all, err := limits(ctx, rooms)
	for _, l := range all {
		if l.Said {
			lines = append(lines, p.T(l.Key, l.Args))
		}
	}
	return lines, err
}
