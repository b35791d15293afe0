package site

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/freshness"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

// ServicesPath is the page of our services; each has its own below it.
const ServicesPath = "/services"

// own are the pages about our own services.
func (r *Site) own(site *web.Site) web.Pages {
	services := web.NewPage[servicesPage](site, pages, "pages/services.html", "pages/states.html")
	service := web.NewPage[serviceCard](site, pages, "pages/service.html", "pages/states.html")
	list := func(req *http.Request) (servicesPage, error) { return r.servicesPage(req.Context(), site.Printer(req)) }
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + ServicesPath, Handler: services.Show(list)},
			{Pattern: "GET " + ServicesPath + "/{name}", Handler: service.Show(func(req *http.Request) (serviceCard, error) {
				return r.serviceCard(req.Context(), site.Printer(req), req.PathValue("name"))
			})},
		},
		Menu: []web.Entry{{Path: ServicesPath, Key: "directory.menu_services", Order: 10}},
		Home: []web.Panel{
			web.NewPanel(site, pages, "pages/home.html", func(req *http.Request) (servicesPage, bool, error) {
				page, err := list(req)
				return page, len(page.Services) > 0, err
			}),
			web.NewPanel(site, pages, "pages/who.html", func(req *http.Request) (whoPanel, bool, error) {
				return r.who(req, site.Printer(req))
			}),
		},
	}
}

// servicesPage is what we offer.
type servicesPage struct{ Services []serviceCard }

// serviceCard is one service as a page writes it.
type serviceCard struct {
	Slug string // its file's name
	statool.Service
	Says     []string // who may use it
	State    string
	Severity string // class of the state
	Load     string // whether newcomers find room; "" = nobody said
	// LoadSeverity is the class of Load.
	LoadSeverity string
	Over         bool
	Trouble      bool // it does not work as it should
	Kind         string
	Data         linked
	Facts        []string // what our own keys say: kind, languages, place, price, limits
}

func (r *Site) servicesPage(ctx context.Context, p *words.Printer) (page servicesPage, err error) {
	all, err := r.n.Own.Services(ctx)
	if err != nil {
		return page, err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		card, err := r.closing(ctx, p, cardOf(p, name, all[name], r.now()))
		if err != nil {
			return page, err
		}
		page.Services = append(page.Services, card)
	}
	return page, nil
}

func (r *Site) serviceCard(ctx context.Context, p *words.Printer, name string) (serviceCard, error) {
	all, err := r.n.Own.Services(ctx)
	if err != nil {
		return serviceCard{}, err
	}
	s, ok := all[name]
	if !ok {
		return serviceCard{}, core.NotFound("directory.no_service", errors.New("no such service"))
	}
	return r.closing(ctx, p, cardOf(p, name, s, r.now()))
}

// closing says on a card that the service's end is announced: nobody new should count on it.
func (r *Site) closing(ctx context.Context, p *words.Printer, card serviceCard) (serviceCard, error) {
	if r.n.Closings == nil || card.Over {
		return card, nil
	}
	closings, ok := r.n.Closings()
	if !ok {
		return card, nil
	}
	lastDay, is, err := closings.Closing(ctx, card.Slug)
	if err != nil || !is {
		return card, err
	}
	if day, err := time.Parse(time.DateOnly, lastDay); err == nil {
		card.State, card.Severity = p.T("directory.listing.closes", map[string]any{"Day": p.Day(core.At(day))}), "warn"
		card.Load, card.LoadSeverity = "", ""
	}
	return card, nil
}

func cardOf(p *words.Printer, name string, s own.Service, now core.Moment) serviceCard {
	card := serviceCard{Slug: name, Service: s.Service}
	if s.Name == "" {
		card.Name = name
	}
	card.Data = serviceLD(s.Service, card.Name)
	card.Facts = goodToKnow(p, s.Listing)
	level := s.Status.Level
	if s.Listing.Ended {
		level = "OVER"
	} else if end, err := time.Parse(time.DateOnly, s.EndDate); err == nil {
		card.Facts = append(card.Facts, p.T("directory.listing.ends", map[string]any{"Day": p.Day(core.At(end))}))
	}
	card.State, card.Severity = levelSays(p, level, freshness.Age{Said: s.Listing.Author.Said, Old: s.Listing.Author.Old(now)})
	card.Over, card.Trouble = level == "OVER", card.Severity == "warn" || card.Severity == "trouble"
	if s.Listing.Kind != catalogue.KindUnknown {
		card.Kind = p.T("directory.kind."+string(s.Listing.Kind), nil)
	}
	if !card.Over {
		card.Load, card.LoadSeverity = loadSays(p, s.Listing.Access)
	}
	card.Says = accessBeside(p, s.Listing.Access, card.LoadSeverity)
	return card
}

// accessBeside is who may use a service, without what loadSays said already.
func accessBeside(p *words.Printer, a access.Access, severity string) []string {
	if a.Load == access.LoadOpen && severity == "fine" || a.Load == access.LoadFull && severity == "warn" {
		a.Load = access.LoadUnknown
	}
	return AccessWords(p, a)
}

// loadSays is whether somebody new is served, in a word, and the class of it. What
// nobody said is nothing.
func loadSays(p *words.Printer, a access.Access) (says, severity string) {
	switch {
	case a.Load == access.LoadFull && !a.WithoutAccount():
		return p.T("directory.home.full", nil), "warn"
	case a.Usable():
		return p.T("directory.home.open", nil), "fine"
	case a.Register != "":
		return p.T("directory.home.members", nil), "none"
	}
	return "", ""
}

// goodToKnow is what a listing says of a service beside its program and who may use it.
func goodToKnow(p *words.Printer, s catalogue.Service) (facts []string) {
	if s.Kind != catalogue.KindUnknown {
		facts = append(facts, p.T("directory.kind."+string(s.Kind), nil))
	}
	for _, f := range [][3]string{
		{"languages", "List", strings.Join(s.Languages, ", ")}, {"town", "Town", s.Town}, {"price", "Price", s.Price}, {"limits", "Limits", s.Limits},
	} {
		if f[2] != "" {
			facts = append(facts, p.T("directory.listing."+f[0], map[string]any{f[1]: f[2]}))
		}
	}
	return facts
}

// AccessWords is who may use a service, in sentences.
func AccessWords(p *words.Printer, a access.Access) (says []string) {
	for _, key := range []string{"without." + string(a.Without), "register." + string(a.Register), "load." + string(a.Load)} {
		if key != "without." && key != "register." && key != "load." {
			says = append(says, p.T("directory.access."+key, nil))
		}
	}
	return says
}

// levelSays is how a service does, and the class of it; nothing for what nobody said.
// What somebody said who is silent since, or long ago, is unknown; an end is one for ever.
func levelSays(p *words.Printer, level string, a freshness.Age) (says, severity string) {
	severity = map[string]string{"OK": "fine", "WARNING": "warn", "ALERT": "trouble", "ERROR": "trouble", "OVER": "none"}[level]
	if severity != "" {
		says = p.T("directory.level."+level, nil)
	}
	if unknown := a.Unknown(p); unknown != "" && severity != "" && severity != "none" {
		return unknown, "none"
	}
	return says, severity
}
