package subscribe

import (
	"context"
	"embed"
	"net/http"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// views are the public pages.
type views struct {
	*Service
	site *web.Site
}

// Pages are where people ask for news, confirm, and leave. None needs an account.
func (s *Service) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	ask := web.NewPage[askPage](site, pages, "pages/ask.html")
	link := web.NewPage[linkPage](site, pages, "pages/link.html")
	return web.Pages{Routes: []web.Route{
		{Pattern: PathAsk, Handler: ask.Form(v.question, v.ask)},
		{Pattern: pathConfirm + "{id}/{sig}", Handler: web.NoStore(link.Reveal(v.before("confirm"), v.confirm))},
		// RFC 8058: one POST leaves, without a cookie, a question or a redirect.
		{Pattern: pathOut + "{id}/{sig}", Handler: web.NoStore(link.Reveal(v.before("out"), v.out))},
	}}
}

// everything stands for all services in the form: a browser lets nobody choose an empty
// value where one is required.
const everything = "*"

type askPage struct {
	Name     string
	Asked    bool
	Address  web.Field
	Hoster   string
	Services web.Field
}

func (v views) question(r *http.Request) (page askPage, err error) {
	hoster := core.MemberID(r.FormValue("hoster"))
	if hoster == "" {
		hoster = v.n.Signer.ID()
	}
	page.Hoster, page.Asked = string(hoster), r.URL.Query().Get("asked") != ""
	name, services, ok, err := v.n.Hosters.Hoster(r.Context(), hoster)
	if err != nil {
		return page, err
	}
	if !ok {
		return page, core.NotFound("watch.subscribe.no_hoster", nil)
	}
	page.Name = name
	page.Address = web.Field{
		Name: "address", Label: "watch.subscribe.address", Hint: "watch.subscribe.address_hint", Kind: "email", Complete: "email",
		Value: r.PostFormValue("address"), Required: true,
	}
	page.Services = web.Field{Name: "service", Label: "watch.subscribe.service", Required: true}
	p := v.site.Printer(r)
	page.Services.Options = append(page.Services.Options, web.Option{Value: everything, Text: p.T("watch.subscribe.all", nil)})
	for _, s := range services {
		page.Services.Options = append(page.Services.Options, web.Option{Value: s, Text: s, Chosen: s == r.FormValue("service")})
	}
	return page, nil
}

func (v views) ask(r *http.Request) (string, error) {
	hoster := core.MemberID(r.PostForm.Get("hoster"))
	service := r.PostForm.Get("service")
	if service == everything {
		service = ""
	}
	err := v.Ask(r.Context(), Request{
		Hoster: hoster, Service: service, Address: r.PostForm.Get("address"), Lang: v.site.Printer(r).Lang, From: network(r),
	})
	return PathAsk + "?" + url.Values{"hoster": {string(hoster)}, "asked": {"1"}}.Encode(), err
}

// linkPage is where a link of a mail leads: a question with one button, then what it did.
type linkPage struct {
	What string // confirm or out
	Done bool
	Name string
}

func (v views) before(what string) func(r *http.Request) (linkPage, error) {
	return func(r *http.Request) (linkPage, error) {
		page := linkPage{What: what}
		if err := v.holds(what, r.PathValue("id"), r.PathValue("sig")); err != nil {
			return page, err
		}
		name, err := v.nameOf(r.Context(), r.PathValue("id"))
		page.Name = name
		return page, err
	}
}

// nameOf is what a subscription is for; empty when it is gone.
func (v views) nameOf(ctx context.Context, id string) (string, error) {
	one, found, err := lookUp(ctx, v.n.DB, id)
	if err != nil || !found {
		return "", err
	}
	return v.name(ctx, one.Hoster, one.Service)
}

func (v views) confirm(r *http.Request) (linkPage, error) {
	if err := v.Confirm(r.Context(), r.PathValue("id"), r.PathValue("sig")); err != nil {
		return linkPage{}, err
	}
	name, err := v.nameOf(r.Context(), r.PathValue("id"))
	return linkPage{"confirm", true, name}, err
}

func (v views) out(r *http.Request) (linkPage, error) {
	return linkPage{"out", true, ""}, v.Out(r.Context(), r.PathValue("id"), r.PathValue("sig"))
}
