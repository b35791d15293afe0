package forms

import (
	"context"
	"net/url"

	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/draft"
	"entrechat/internal/room/directory/site"
)

// draftPage is what a domain says of itself, before anything is made of it.
type draftPage struct {
	Domain   web.Field
	Asked    bool
	Services []draftedService
	Hoster   []draftedFact
	Missing  []string
}

type draftedService struct {
	Name  string
	Form  string // address of the form with these facts
	Facts []draftedFact
}

type draftedFact struct{ What, Value, Source, Note string }

func learnt(p *words.Printer, facts draft.Facts) []draftedFact {
	out := make([]draftedFact, 0, len(facts))
	for _, f := range facts {
		out = append(out, draftedFact{p.T("directory.fact."+string(f.Field), nil), f.Value, f.Source, f.Note})
	}
	return out
}

func (r *Forms) draftPage(ctx context.Context, p *words.Printer, domain string) (page draftPage, err error) {
	page.Domain = web.Field{Name: "domain", Label: "directory.form.domain", Hint: "directory.form.domain_hint", Value: site.Bounded(domain), Required: true}
	if domain == "" {
		return page, nil
	}
	d, err := r.n.Draft(ctx, domain)
	if err != nil {
		return page, err
	}
	page.Asked = true
	page.Hoster = learnt(p, d.Hoster)
	for _, s := range d.Services {
		one := draftedService{Name: s.Kind, Form: newPath + "?" + url.Values{"domain": {string(d.Domain)}, "program": {s.Kind}}.Encode()}
		one.Facts = learnt(p, s.Facts)
		page.Services = append(page.Services, one)
	}
	for _, c := range d.Charter {
		if c.Standing == "missing" {
			page.Missing = append(page.Missing, p.T("directory.charter."+c.Key, nil)+" "+p.T("directory.charter."+c.Key+"_how", nil))
		}
	}
	return page, nil
}
