package domain

import (
	"context"
	"embed"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where admins look at a domain.
const Path = "/admin/succession/domain"

// onPage is how long a person waits for a page.
const onPage = 25 * time.Second

type views struct {
	*Service
	site *web.Site
}

// Pages are the admins' page about a domain: it reads, and changes nothing but what is known of TTLs.
func (s *Service) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	page := web.NewPage[lookPage](site, pages, "pages/domain.html")
	return web.Pages{
		Routes: []web.Route{{Pattern: Path, Handler: page.Reveal(v.ask, v.look)}},
		Menu:   []web.Entry{{Path: Path, Key: "succession.domain.menu", Group: web.GroupPartners, Order: 67}},
	}
}

// section is a step with its findings, as a page writes them.
type section struct {
	Title string
	Lines []line
}

type line struct {
	Level, Text string
	Severity    web.Severity
}

type lookPage struct {
	Name, Servers, Selectors web.Field
	Looked                   string // the domain; empty = not yet
	Stops                    int
	Sections                 []section
}

func (v views) ask(r *http.Request) (lookPage, error) {
	field := func(name string) web.Field {
		return web.Field{Name: name, Label: "succession.domain.ask_" + name, Value: r.PostFormValue(name)}
	}
	p := lookPage{Name: field("name"), Servers: field("servers"), Selectors: field("selectors")}
	p.Name.Required = true
	p.Servers.Hint, p.Selectors.Hint = "succession.domain.hint_servers", "succession.domain.hint_selectors"
	return p, nil
}

func (v views) look(r *http.Request) (lookPage, error) {
	page, err := v.ask(r)
	if err != nil {
		return page, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), onPage)
	defer cancel()
	report, err := v.Check(ctx, Ask{Name: page.Name.Value, Next: list(page.Servers.Value), Selectors: list(page.Selectors.Value), Public: true})
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page.Looked, page.Stops = report.Facts.Name, len(Stops(report.Findings))
	last := Step("")
	for _, f := range report.Findings {
		if f.Step != last {
			page.Sections = append(page.Sections, section{Title: p.T("succession.domain.step_"+string(f.Step), args{"Zone": report.Facts.Zone})})
			last = f.Step
		}
		s := &page.Sections[len(page.Sections)-1]
		s.Lines = append(s.Lines, line{strings.TrimSpace(p.T("succession.domain.level_"+string(f.Level), nil)), p.T(key(f), f.Args), severity(f.Level)})
	}
	return page, nil
}

// list is what stands between spaces and commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' || r == '\r' })
}

func severity(l Level) web.Severity {
	switch l {
	case Stop:
		return web.Trouble
	case Do:
		return web.Warn
	case Well:
	}
	return web.Fine
}
