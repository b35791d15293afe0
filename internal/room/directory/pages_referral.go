package directory

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

const (
	elsewherePath = "/elsewhere"
	referPath     = "/admin/elsewhere"
)

// referral are the pages about where else to go.
func (r *Room) referral(site *web.Site) web.Pages {
	page := web.NewPage[elsewherePage](site, pages, "pages/elsewhere.html", "pages/sheet.html")
	refer := web.NewPage[referPage](site, pages, "pages/refer.html")
	read := func(req *http.Request) (elsewherePage, error) {
		return r.elsewherePage(req.Context(), site.Printer(req), req.PathValue("kind"))
	}
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + elsewherePath, Handler: page.Show(read)},
			{Pattern: "GET " + elsewherePath + "/{kind}", Handler: page.Show(read)},
			{Pattern: "GET " + elsewherePath + "/{kind}/frame", Handler: web.Widget(site, pages, "pages/elsewhere_frame.html", read)},
			{Pattern: referPath, Handler: refer.Form(func(req *http.Request) (referPage, error) {
				return r.referPage(req, site.Printer(req))
			}, r.referForm)},
		},
		Menu: []web.Entry{
			{Path: elsewherePath, Key: "directory.menu_elsewhere", Order: 14},
			{Path: referPath, Key: "directory.menu_elsewhere", Order: 12},
		},
	}
}

// elsewherePage is where we send people for one kind of service, or for all.
type elsewherePage struct {
	Base   string // where this node is reached
	Kind   string // "" = all kinds
	Name   string // of the kind
	Kinds  []kindLink
	First  []serviceSheet // of each kind, the one to go to
	Others []serviceSheet // when that one does not suit
}

// kindLink leads to one kind.
type kindLink struct {
	Path, Name string
	Here       bool
}

func kindAsked(text string) (catalogue.Kind, error) {
	if k := catalogue.Kind(text); text == "" || slices.Contains(catalogue.Kinds(), k) {
		return k, nil
	}
	return "", core.NotFound("directory.elsewhere.no_kind", errors.New("no such kind"))
}

func (r *Room) elsewherePage(ctx context.Context, p *words.Printer, asked string) (page elsewherePage, err error) {
	kind, err := kindAsked(asked)
	if err != nil {
		return page, err
	}
	found, err := r.Elsewhere(ctx, catalogue.KindUnknown)
	if err != nil {
		return page, err
	}
	heard, err := r.heard(ctx, authorsOf(found)...)
	if err != nil {
		return page, err
	}
	page = elsewherePage{Base: r.n.URL, Kind: string(kind)}
	if kind != "" {
		page.Name = p.T("directory.kind."+string(kind), nil)
	}
	var last catalogue.Kind
	for _, f := range found {
		k := f.Service.Kind
		first := k != last
		if last = k; first {
			page.Kinds = append(page.Kinds, kindLink{elsewherePath + "/" + string(k), p.T("directory.kind."+string(k), nil), k == kind})
		}
		switch sheet := sheetOf(p, f.Service, f.Hoster, heard, r.now()); {
		case kind != "" && k != kind:
		case first:
			page.First = append(page.First, sheet)
		case kind != "":
			page.Others = append(page.Others, sheet)
		}
	}
	slices.SortFunc(page.Kinds, func(a, b kindLink) int { return strings.Compare(a.Name, b.Name) })
	return page, nil
}

// referPage is where the admin chooses.
type referPage struct {
	Choices []choice
	Fields  []web.Field
	Paste   []string // lines of HTML for other sites
}

// choice is one kind and the hosters chosen for it.
type choice struct {
	Kind, Name string
	Hosters    []chosenHoster
}

type chosenHoster struct {
	Key, Name string
	First     bool
	Unknown   bool // no longer in the catalogue
	Takes     int  // services of the kind that take people today
}

func (r *Room) referPage(req *http.Request, p *words.Printer) (page referPage, err error) {
	ctx := req.Context()
	all, err := r.chosen(ctx)
	if err != nil {
		return page, err
	}
	for _, k := range slices.Concat([]catalogue.Kind{catalogue.KindUnknown}, catalogue.Kinds()) {
		if len(all[k]) == 0 {
			continue
		}
		c, err := r.choiceOf(ctx, p, k, all[k])
		if err != nil {
			return page, err
		}
		page.Choices = append(page.Choices, c)
		if k != "" {
			page.Paste = append(page.Paste, `<iframe src="`+r.n.URL+elsewherePath+"/"+string(k)+`/frame" title="`+c.Name+`" width="100%" height="420" loading="lazy"></iframe>`)
		}
	}
	kinds := []web.Option{{Text: p.T("directory.refer.every", nil)}}
	for _, k := range catalogue.Kinds() {
		kinds = append(kinds, web.Option{Value: string(k), Text: p.T("directory.kind."+string(k), nil), Chosen: string(k) == req.PostForm.Get("kind")})
	}
	slices.SortFunc(kinds[1:], func(a, b web.Option) int { return strings.Compare(a.Text, b.Text) })
	page.Fields = []web.Field{
		{Name: "kind", Label: "directory.search.kind", Options: kinds},
		{Name: "hoster", Label: "directory.refer.hoster", Hint: "directory.refer.hoster_hint", Value: req.PostForm.Get("hoster"), Required: true},
	}
	return page, nil
}

func (r *Room) choiceOf(ctx context.Context, p *words.Printer, kind catalogue.Kind, keys []string) (choice, error) {
	c := choice{Kind: string(kind), Name: p.T("directory.refer.every", nil)}
	if kind != "" {
		c.Name = p.T("directory.kind."+string(kind), nil)
	}
	speakers, err := r.speakers(ctx, keys)
	if err != nil {
		return c, err
	}
	found, err := r.ofKind(ctx, kind, speakers)
	if err != nil {
		return c, err
	}
	for i, key := range keys {
		one := chosenHoster{Key: key, Name: key, First: i == 0}
		now, err := r.Catalogue.Speaker(ctx, key)
		if err != nil {
			return c, err
		}
		switch h, _, err := r.Catalogue.Hoster(ctx, now); core.CodeOf(err) {
		case "":
			one.Name = h.Name
		case core.CodeNotFound:
			one.Unknown = true
		default:
			return c, err
		}
		for _, f := range found {
			if f.Hoster.Author.Key == now && takesPeople(f) {
				one.Takes++
			}
		}
		c.Hosters = append(c.Hosters, one)
	}
	return c, nil
}

// referForm adds a hoster to a kind, moves it up or takes it away.
func (r *Room) referForm(req *http.Request) (string, error) {
	kind, err := kindAsked(req.PostForm.Get("kind"))
	if err != nil {
		return "", err
	}
	all, err := r.chosen(req.Context())
	if err != nil {
		return "", err
	}
	keys, key := all[kind], strings.TrimSpace(req.PostForm.Get("hoster"))
	at := slices.Index(keys, key)
	switch do := req.PostForm.Get("do"); {
	case do == "up" && at > 0:
		keys[at-1], keys[at] = keys[at], keys[at-1]
	case do == "remove" && at >= 0:
		keys = slices.Delete(keys, at, at+1)
	case do == "add":
		err := r.Refer(req.Context(), kind, append(keys, key))
		if core.CodeOf(err) == core.CodeNotFound { // what was typed is wrong, not the page's address
			err = core.Invalid("directory.no_hoster", err).With("Name", bounded(key))
		}
		return referPath, err
	}
	return referPath, r.setChosen(req.Context(), kind, keys)
}
