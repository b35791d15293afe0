package client

import (
	"embed"
	"errors"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where the admins' page of services is.
const Path = "/admin/apps"

const pathAdd = Path + "/add"

// views are the admins' pages about services.
type views struct {
	*Service

	site *web.Site
}

// Pages are the admins' pages about services.
func (s *Service) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/apps.html")
	add := web.NewPage[addPage](site, pages, "pages/add.html", "pages/told.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html", "pages/told.html")
	gone := web.NewPage[onePage](site, pages, "pages/remove.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: list.Show(v.list)},
			// A secret is shown and not gone on to: it stands in no address and no log.
			{Pattern: pathAdd, Handler: add.Reveal(v.ask, v.add)},
			{Pattern: Path + "/{id}", Handler: one.Reveal(v.one, v.act)},
			{Pattern: Path + "/{id}/remove", Handler: gone.Form(v.one, v.remove)},
		},
		Menu: []web.Entry{{Path: Path, Key: "identity.client.menu", Group: web.GroupAccounts, Order: 60}},
	}
}

type listPage struct{ Apps []View }

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.All(r.Context())
	if err != nil {
		return page, err
	}
	for _, c := range all {
		one := view(c)
		if one.People, err = v.People(r.Context(), c); err != nil {
			return page, err
		}
		page.Apps = append(page.Apps, one)
	}
	return page, nil
}

// told is what has to stand in a service.
type told struct {
	Name, Text, BackLogout, Hint string
	Redirects                    []string
	New                          bool // Text has the secret, once
}

func (v views) told(p *words.Printer, c Client, secret string) (told, error) {
	text, err := v.Configuration(c, secret)
	out := told{Name: c.ID, Text: text, BackLogout: c.BackLogout, Redirects: c.Redirects, New: secret != ""}
	if t, err := FindTemplate(c.Template); err == nil && t.Words {
		out.Hint = p.T("identity.client.hint_"+t.Name, args{"Name": c.ID, "URL": c.URL})
	}
	return out, err
}

type addPage struct {
	Template, URL, Name, Redirect, Reads web.Field
	Told                                 *told
}

func (v views) ask(r *http.Request) (addPage, error) {
	value := r.PostForm.Get
	page := addPage{
		Template: web.Field{Name: "template", Label: "identity.client.ask_template", Required: true},
		URL:      web.Field{Name: "url", Label: "identity.client.ask_url", Hint: "identity.client.ask_url_hint", Kind: "url", Value: value("url"), Required: true},
		Name:     web.Field{Name: "name", Label: "identity.client.ask_name", Hint: "identity.client.ask_name_hint", Value: value("name")},
		Redirect: web.Field{Name: "redirect", Label: "identity.client.ask_redirect", Hint: "identity.client.ask_redirect_hint", Value: value("redirect")},
		Reads:    web.Field{Name: "reads", Label: "identity.client.ask_reads", Hint: "identity.client.ask_reads_hint", Value: value("reads")},
	}
	for _, t := range Templates() {
		page.Template.Options = append(page.Template.Options, web.Option{Value: t.Name, Text: t.Software, Chosen: t.Name == value("template")})
	}
	return page, nil
}

func (v views) add(r *http.Request) (page addPage, err error) {
	t, err := FindTemplate(r.PostForm.Get("template"))
	if err != nil {
		return page, core.Invalid("identity.client.no_template", err).With("Name", r.PostForm.Get("template")).With("All", "")
	}
	c, err := t.Client(strings.TrimSpace(r.PostForm.Get("name")), strings.TrimSpace(r.PostForm.Get("url")))
	if err != nil {
		return page, err
	}
	if list := strings.Fields(r.PostForm.Get("redirect")); len(list) > 0 {
		c.Redirects = list
	}
	c.Reads = strings.Fields(r.PostForm.Get("reads"))
	if err := t.complete(c); err != nil {
		return page, err
	}
	c, secret, err := v.Add(r.Context(), c)
	if err != nil {
		return page, err
	}
	what, err := v.told(v.site.Printer(r), c, secret)
	return addPage{Told: &what}, err
}

type onePage struct {
	App     View
	Told    told
	Results []shown
}

// shown is what a check found, as a page says it.
type shown struct{ Severity, Says, Found string }

func (v views) one(r *http.Request) (page onePage, err error) {
	c, err := v.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	page.App = view(c)
	if page.App.People, err = v.People(r.Context(), c); err != nil {
		return page, err
	}
	page.Told, err = v.told(v.site.Printer(r), c, "")
	return page, err
}

// act does what a button says, and shows what came of it.
func (v views) act(r *http.Request) (onePage, error) {
	page, err := v.one(r)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	c, err := v.Get(r.Context(), page.App.Name)
	if err != nil {
		return page, err
	}
	switch r.PostForm.Get("do") {
	case "test":
		for _, one := range v.Test(r.Context(), c, "") {
			severity := web.Trouble
			if one.Well {
				severity = web.Fine
			}
			page.Results = append(page.Results, shown{string(severity), p.T("identity.client.test_"+one.Check, nil), one.Found})
		}
		return page, nil
	case "secret", "stolen":
		secret, err := v.Secret(r.Context(), c.ID, r.PostForm.Get("do") == "stolen")
		if err != nil {
			return page, err
		}
		page.Told, err = v.told(p, c, secret)
		return page, err
	}
	return page, core.Invalid("web.bad_form", errors.New("no such button"))
}

func (v views) remove(r *http.Request) (string, error) {
	return Path, v.Remove(r.Context(), r.PathValue("id"), r.PostForm.Get("erase") == "yes")
}
