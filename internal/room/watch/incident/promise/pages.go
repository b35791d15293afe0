package promise

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where an admin promises something.
const Path = "/admin/watch/promises"

// yearDays is over how many days the page measures.
const yearDays = 365

// views are the pages about promises.
type views struct {
	*Promises
	site *web.Site
}

// Pages are the admin's pages about promises; Menu is their line.
func (s *Promises) Pages(site *web.Site) []web.Route {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/promises.html")
	one := web.NewPage[onePage](site, pages, "pages/promise.html")
	return []web.Route{
		{Pattern: "GET " + Path, Handler: list.Show(v.list)},
		{Pattern: Path + "/edit", Handler: one.Form(v.ask, v.set)},
	}
}

// Menu is the line of the admin's menu.
func Menu() []web.Entry {
	return []web.Entry{{Path: Path, Key: "watch.promise.menu", Group: web.GroupWatch, Order: 46}}
}

// listed is a service with what is promised for it, and what was measured.
type listed struct {
	Service, Edit      string
	Promised, Measured []string
}

type listPage struct{ Services []listed }

func (v views) list(r *http.Request) (page listPage, err error) {
	standing, err := v.Promises.Promises(r.Context(), v.n.Self)
	if err != nil {
		return page, err
	}
	var names []string
	if v.n.Services != nil {
		if names, err = v.n.Services(r.Context()); err != nil {
			return page, err
		}
	}
	promised, p := map[string]Said{}, v.site.Printer(r)
	for _, one := range standing {
		promised[one.Service] = one
		if !slices.Contains(names, one.Service) {
			names = append(names, one.Service)
		}
	}
	for _, name := range names {
		one := listed{Service: name, Edit: Path + "/edit?" + url.Values{"service": {name}}.Encode()}
		if said, ok := promised[name]; ok {
			one.Promised = said.Says(p)
		}
		if one.Measured, err = v.measuredWords(r, name); err != nil {
			return page, err
		}
		page.Services = append(page.Services, one)
	}
	return page, nil
}

func (v views) measuredWords(r *http.Request, service string) ([]string, error) {
	f, err := v.recent(r.Context(), v.n.Self, service, yearDays)
	if err != nil || f == nil {
		return nil, err
	}
	return f.Says(v.site.Printer(r)), nil
}

// onePage is the form of one service's promise.
type onePage struct {
	Service  string
	Standing bool // something is promised
	Fields   []web.Field
}

func (v views) ask(r *http.Request) (page onePage, err error) {
	page.Service = r.FormValue("service")
	said, ok, err := v.Standing(r.Context(), page.Service)
	if err != nil {
		return page, err
	}
	typed := Typed{Zone: v.n.Zone.String()}
	if ok {
		typed, page.Standing = said.Typed(), true
	}
	if v.site.Printer(r).Lang == words.French {
		typed.Hours = inFrench(typed.Hours)
	}
	for _, name := range Names() {
		f := web.Field{Name: name, Label: "watch.promise.ask_" + name, Hint: "watch.promise.hint_" + name, Value: *typed.Place(name), Required: name == "zone"}
		if r.Method == http.MethodPost {
			f.Value = r.PostForm.Get(name)
		}
		page.Fields = append(page.Fields, f)
	}
	if page.Service == "" {
		return page, core.NotFound("watch.promise.none_of", errors.New("no service")).With("Service", "—")
	}
	return page, nil
}

func (v views) set(r *http.Request) (string, error) {
	service := r.FormValue("service")
	var typed Typed
	for _, name := range Names() {
		*typed.Place(name) = r.PostForm.Get(name)
	}
	p, err := typed.Promise(service)
	if err != nil {
		return "", err
	}
	if r.PostForm.Get("do") == "end" {
		p = Promise{Service: service, Zone: p.Zone, End: true}
	}
	_, err = v.Set(r.Context(), p)
	return Path, err
}
