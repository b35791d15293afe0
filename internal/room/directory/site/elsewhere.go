package site

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
)

// ElsewherePath is the page about where else to go.
const ElsewherePath = "/elsewhere"

// elsewhere are the pages about where else to go.
func (r *Site) elsewhere(site *web.Site) web.Pages {
	page := web.NewPage[elsewherePage](site, pages, "pages/elsewhere.html", "pages/listing.html", "pages/states.html")
	read := func(req *http.Request) (elsewherePage, error) {
		return r.elsewherePage(req.Context(), site.Printer(req), req.PathValue("kind"))
	}
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + ElsewherePath, Handler: page.Show(read)},
			{Pattern: "GET " + ElsewherePath + "/{kind}", Handler: page.Show(read)},
			{Pattern: "GET " + ElsewherePath + "/{kind}/frame", Handler: web.Widget(site, pages, "pages/elsewhere_frame.html", read)},
		},
		Menu: []web.Entry{
			{Path: ElsewherePath, Key: "directory.menu_elsewhere", Order: 14},
		},
	}
}

// elsewherePage is where we send people for one kind of service, or for all.
type elsewherePage struct {
	Base   string // where this node is reached
	Kind   string // "" = all kinds
	Name   string // of the kind
	Kinds  []kindLink
	First  []serviceListing // of each kind, the one to go to
	Others []serviceListing // when that one does not suit
	More   int              // beyond those that are shown
}

// maxOthers bounds a page: nobody reads more, and the API has them all.
const maxOthers = 60

// kindLink leads to one kind.
type kindLink struct {
	Path, Name string
	Here       bool
}

// KindAsked is a kind as an address says it; "" is every kind. Returns CodeNotFound.
func KindAsked(text string) (catalogue.Kind, error) {
	if k := catalogue.Kind(text); text == "" || slices.Contains(catalogue.Kinds(), k) {
		return k, nil
	}
	return "", core.NotFound("directory.elsewhere.no_kind", errors.New("no such kind"))
}

func (r *Site) elsewherePage(ctx context.Context, p *words.Printer, asked string) (page elsewherePage, err error) {
	kind, err := KindAsked(asked)
	if err != nil {
		return page, err
	}
	offer, err := r.n.Referral.Recent(ctx)
	if err != nil {
		return page, err
	}
	page = elsewherePage{Base: r.n.URL, Kind: string(kind)}
	if kind != "" {
		page.Name = p.T("directory.kind."+string(kind), nil)
	}
	var last catalogue.Kind
	for _, f := range offer.Services {
		k := f.Service.Kind
		first := k != last
		if last = k; first {
			page.Kinds = append(page.Kinds, kindLink{ElsewherePath + "/" + string(k), p.T("directory.kind."+string(k), nil), k == kind})
		}
		switch {
		case kind != "" && k != kind:
		case first:
			page.First = append(page.First, listingOf(p, f.Service, f.Hoster, offer.Heard, r.now()))
		case kind != "" && len(page.Others) < maxOthers:
			page.Others = append(page.Others, listingOf(p, f.Service, f.Hoster, offer.Heard, r.now()))
		case kind != "":
			page.More++
		}
	}
	slices.SortFunc(page.Kinds, func(a, b kindLink) int { return strings.Compare(a.Name, b.Name) })
	return page, nil
}
