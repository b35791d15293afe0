package directory

import (
	"context"
	"embed"
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
	"entrechat/internal/room/directory/statool"
)

//go:embed pages/*.html
var pages embed.FS

const (
	servicesPath = "/services"
	filesPath    = "/admin/files"
)

// web is the room's pages for people.
func (r *Room) web(site *web.Site) web.Pages {
	services := web.NewPage[servicesPage](site, pages, "pages/services.html")
	service := web.NewPage[serviceCard](site, pages, "pages/service.html")
	files := web.NewPage[filesPage](site, pages, "pages/files.html")
	list := func(req *http.Request) (servicesPage, error) { return r.servicesPage(req.Context(), site.Printer(req)) }
	own, writing, charter := r.introduction(site), r.writing(site), r.transparency(site)
	var others, elsewhere, feeds web.Pages
	if r.Catalogue != nil {
		others, elsewhere, feeds = r.others(site), r.referral(site), r.feeds(site)
	}
	return web.Pages{
		Routes: append(slices.Concat(own.Routes, writing.Routes, charter.Routes, others.Routes, elsewhere.Routes, feeds.Routes), []web.Route{
			{Pattern: "GET " + servicesPath, Handler: services.Show(list)},
			{Pattern: "GET " + servicesPath + "/{name}", Handler: service.Show(func(req *http.Request) (serviceCard, error) {
				return r.serviceCard(req.Context(), site.Printer(req), req.PathValue("name"))
			})},
			{Pattern: "GET " + filesPath, Handler: files.Show(func(req *http.Request) (filesPage, error) {
				return r.filesPage(req.Context(), site.Printer(req))
			})},
		}...),
		Menu: append(slices.Concat(own.Menu, charter.Menu, others.Menu, elsewhere.Menu), []web.Entry{
			{Path: servicesPath, Key: "directory.menu_services", Order: 10},
			{Path: filesPath, Key: "directory.menu_files", Order: 10},
		}...),
		Feeds:    feeds.Feeds,
		Overview: own.Overview,
		Home: append(own.Home, web.NewPanel(site, pages, "pages/home.html", func(req *http.Request) (servicesPage, bool, error) {
			page, err := list(req)
			return page, len(page.Services) > 0, err
		})),
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
	Data     linked
	Facts    []string // what our own keys say: kind, languages, place, price, limits
}

func (r *Room) servicesPage(ctx context.Context, p *words.Printer) (page servicesPage, err error) {
	all, err := r.services(ctx)
	if err != nil {
		return page, err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		page.Services = append(page.Services, cardOf(p, name, all[name], r.now()))
	}
	return page, nil
}

func (r *Room) serviceCard(ctx context.Context, p *words.Printer, name string) (serviceCard, error) {
	all, err := r.services(ctx)
	if err != nil {
		return serviceCard{}, err
	}
	s, ok := all[name]
	if !ok {
		return serviceCard{}, core.NotFound("directory.no_service", errors.New("no such service"))
	}
	return cardOf(p, name, s, r.now()), nil
}

func cardOf(p *words.Printer, name string, s ownService, now core.Moment) serviceCard {
	card := serviceCard{Slug: name, Service: s.Service}
	if s.Name == "" {
		card.Name = name
	}
	card.Data = serviceLD(s.Service, card.Name)
	card.Says, card.Facts = accessSays(p, s.sheet.Access), goodToKnow(p, s.sheet)
	level := s.Status.Level
	if s.sheet.Ended {
		level = "OVER"
	} else if end, err := time.Parse(time.DateOnly, s.EndDate); err == nil {
		card.Facts = append(card.Facts, p.T("directory.sheet.ends", args{"Day": p.Day(core.At(end))}))
	}
	card.State, card.Severity = levelSays(p, level, age{Said: s.sheet.Author.Said, Old: s.sheet.Author.Old(now)})
	return card
}

// goodToKnow is what a sheet says of a service beside its program and who may use it.
func goodToKnow(p *words.Printer, s catalogue.Service) (facts []string) {
	if s.Kind != catalogue.KindUnknown {
		facts = append(facts, p.T("directory.kind."+string(s.Kind), nil))
	}
	for _, f := range [][3]string{
		{"languages", "List", strings.Join(s.Languages, ", ")}, {"town", "Town", s.Town}, {"price", "Price", s.Price}, {"limits", "Limits", s.Limits},
	} {
		if f[2] != "" {
			facts = append(facts, p.T("directory.sheet."+f[0], args{f[1]: f[2]}))
		}
	}
	return facts
}

// accessSays is who may use a service, in sentences.
func accessSays(p *words.Printer, a access.Access) (says []string) {
	for _, key := range []string{"without." + string(a.Without), "register." + string(a.Register), "load." + string(a.Load)} {
		if key != "without." && key != "register." && key != "load." {
			says = append(says, p.T("directory.access."+key, nil))
		}
	}
	return says
}

// levelSays is how a service does, and the class of it; nothing for what nobody said.
// What somebody said who is silent since, or long ago, is unknown; an end is one for ever.
func levelSays(p *words.Printer, level string, a age) (says, severity string) {
	severity = map[string]string{"OK": "fine", "WARNING": "warn", "ALERT": "trouble", "ERROR": "trouble", "OVER": "none"}[level]
	if severity != "" {
		says = p.T("directory.level."+level, nil)
	}
	if unknown := a.unknown(p); unknown != "" && severity != "" && severity != "none" {
		return unknown, "none"
	}
	return says, severity
}

// filesPage is how our own files stand, for admins.
type filesPage struct{ Files []fileLine }

// fileLine is one file and what there is to say about it.
type fileLine struct {
	OwnFile
	Severity string
	Says     string
	Findings []string
	Edit     string // the form
}

func (r *Room) filesPage(ctx context.Context, p *words.Printer) (page filesPage, err error) {
	own, err := r.Own(ctx)
	if err != nil {
		return page, err
	}
	for _, f := range own {
		line := fileLine{OwnFile: f, Edit: servicePath + f.Name, Severity: "fine", Says: p.T("directory.state.valid", nil)}
		if f.Name == hoster {
			line.Edit = startPath
		}
		if !f.Report.OK() {
			line.Severity, line.Says = "trouble", p.T("directory.state.invalid", nil)
		}
		for _, found := range f.Report.Findings {
			line.Findings = append(line.Findings, p.T("directory.finding", map[string]any{
				"Severity": p.T("directory.severity."+string(found.Severity), nil), "Text": p.T(found.Key, found.Args),
			}))
		}
		page.Files = append(page.Files, line)
	}
	return page, nil
}
