package provider

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// views are the pages that people see on their way.
type views struct {
	formPost *web.Page[formPostPage]
	ended    *web.Page[endPage]
}

// Pages hands the provider the site its pages stand in, and gives those that are pages of
// their own.
func (p *Provider) Pages(site *web.Site) web.Pages {
	f := farewell{front{p}}
	v := &views{
		formPost: web.NewPage[formPostPage](site, pages, "pages/form_post.html"),
		ended:    web.NewPage[endPage](site, pages, "pages/end.html"),
	}
	p.site.Store(site)
	p.views.Store(v)
	ask := web.NewPage[endPage](site, pages, "pages/end.html")
	return web.Pages{Routes: []web.Route{
		{Pattern: pathEndAsk, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			end := func(r *http.Request) (endPage, error) { return f.end(w, r) }
			ask.Reveal(f.askEnd, end).ServeHTTP(w, r)
		})},
	}}
}

// pagePolicy is what a page of ours may do: our own files, forms to us.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// refuse shows the person what is wrong. Nothing goes to the client: what came may not be
// its own.
func (p front) refuse(w http.ResponseWriter, r *http.Request, err error) {
	private(w)
	w.Header().Set("Content-Security-Policy", pagePolicy)
	if site := p.site.Load(); site != nil {
		site.Fail(w, r, err)
		return
	}
	http.Error(w, string(core.CodeOf(err)), core.CodeOf(err).HTTPStatus())
}

// hidden is one field that goes with a form.
type hidden struct{ Name, Value string }

// formPostPage brings an answer to a client by a form: one button, no script.
type formPostPage struct {
	Name   string
	Action template.URL // an address of the client's, checked sign for sign
	Fields []hidden
	Failed bool
}

// formPost answers a client by a form in the browser, instead of an address.
func (p front) formPost(w http.ResponseWriter, r *http.Request, k *work, to string) {
	u, err := url.Parse(to)
	v := p.views.Load()
	if err != nil || v == nil {
		p.refuse(w, r, core.Invalid("identity.provider.bad_request", err))
		return
	}
	page := formPostPage{Name: k.client.Called()}
	query := u.Query()
	for _, name := range []string{"code", "state", "iss", "error", "error_description"} {
		if query.Has(name) {
			page.Fields = append(page.Fields, hidden{name, query.Get(name)})
			query.Del(name)
		}
	}
	page.Failed = u.Query().Has("error")
	u.RawQuery = query.Encode()
	page.Action = template.URL(u.String()) //nolint:gosec // one of the client's own addresses
	w.Header().Set("Content-Security-Policy", strings.Replace(pagePolicy, "form-action 'self'", "form-action "+origin(u), 1))
	v.formPost.Show(func(*http.Request) (formPostPage, error) { return page, nil }).ServeHTTP(w, r)
}

// origin is what a policy names an address's host by.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
