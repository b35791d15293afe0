package forms

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/referral"
	"entrechat/internal/room/directory/site"
)

const referPath = "/admin/elsewhere"

// refer is the page where the admin chooses whom we send people to.
func (r *Forms) refer(s *web.Site) web.Pages {
	refer := web.NewPage[referPage](s, pages, "pages/refer.html")
	return web.Pages{
		Routes: []web.Route{{Pattern: referPath, Handler: refer.Form(func(req *http.Request) (referPage, error) {
			return r.referPage(req, s.Printer(req))
		}, r.referForm)}},
		Menu: []web.Entry{{Path: referPath, Key: "directory.menu_elsewhere", Group: web.GroupPublic, Order: 12}},
	}
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

func (r *Forms) referPage(req *http.Request, p *words.Printer) (page referPage, err error) {
	ctx := req.Context()
	all, err := r.n.Referral.Chosen(ctx)
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
			page.Paste = append(page.Paste, `<iframe src="`+r.n.URL+site.ElsewherePath+"/"+string(k)+`/frame" title="`+c.Name+`" width="100%" height="420" loading="lazy"></iframe>`)
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

func (r *Forms) choiceOf(ctx context.Context, p *words.Printer, kind catalogue.Kind, keys []string) (choice, error) {
	c := choice{Kind: string(kind), Name: p.T("directory.refer.every", nil)}
	if kind != "" {
		c.Name = p.T("directory.kind."+string(kind), nil)
	}
	speakers, err := r.n.Referral.Speakers(ctx, keys)
	if err != nil {
		return c, err
	}
	found, err := r.n.Referral.OfKind(ctx, kind, speakers)
	if err != nil {
		return c, err
	}
	for i, key := range keys {
		one := chosenHoster{Key: key, Name: key, First: i == 0}
		now, err := r.n.Catalogue.Speaker(ctx, key)
		if err != nil {
			return c, err
		}
		switch h, _, err := r.n.Catalogue.Hoster(ctx, now); core.CodeOf(err) {
		case "":
			one.Name = h.Name
		case core.CodeNotFound:
			one.Unknown = true
		default:
			return c, err
		}
		for _, f := range found {
			if f.Hoster.Author.Key == now && referral.TakesPeople(f) {
				one.Takes++
			}
		}
		c.Hosters = append(c.Hosters, one)
	}
	return c, nil
}

// referForm adds a hoster to a kind, moves it up or takes it away.
func (r *Forms) referForm(req *http.Request) (string, error) {
	kind, err := site.KindAsked(req.PostForm.Get("kind"))
	if err != nil {
		return "", err
	}
	all, err := r.n.Referral.Chosen(req.Context())
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
		err := r.n.Referral.Refer(req.Context(), kind, append(keys, key))
		if core.CodeOf(err) == core.CodeNotFound { // what was typed is wrong, not the page's address
			err = core.Invalid("directory.no_hoster", err).With("Name", site.Bounded(key))
		}
		return referPath, err
	}
	return referPath, r.n.Referral.SetChosen(req.Context(), kind, keys)
}
