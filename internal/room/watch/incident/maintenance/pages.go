package maintenance

import (
	"embed"
	"errors"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/watch/incident/note"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where an admin plans maintenance.
const Path = "/admin/watch/maintenance"

// views are the pages about maintenance.
type views struct {
	*Planner
	site *web.Site
}

// Pages are the admin's pages about maintenance; Menu is their line.
func (s *Planner) Pages(site *web.Site) []web.Route {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/maintenance.html")
	add := web.NewPage[planPage](site, pages, "pages/plan.html")
	return []web.Route{
		{Pattern: Path, Handler: list.Form(v.list, v.change)},
		{Pattern: Path + "/new", Handler: add.Form(v.ask, v.plan)},
	}
}

// Menu is the line of the admin's menu.
func Menu() []web.Entry {
	return []web.Entry{{Path: Path, Key: "watch.maintenance.menu", Group: web.GroupWatch, Order: 44}}
}

// listed is a plan as a page lists it.
type listed struct {
	ID, What, When, Says, Text string
	Severity                   web.Severity
	Do, Action                 string // end or cancel, and its words; empty = nothing
}

// listPage lists our plans: what is to come or runs, and what was in the last year.
type listPage struct{ Next, Past []listed }

func (v views) list(r *http.Request) (page listPage, err error) {
	now, p := v.now(), v.site.Printer(r)
	all, err := v.Maintenance(r.Context(), v.n.Self, now.Add(-365*day), now.Add(ahead+Longest))
	for _, plan := range all {
		one := listed{ID: plan.ID, What: About(p, plan), When: When(p, plan), Says: plan.Says(p, now), Severity: web.None}
		if plan.Text != nil && plan.Text.State == note.Held {
			one.Text = plan.Text.Text
		}
		switch plan.State(now) {
		case Planned:
			one.Do, one.Action, one.Severity = kindCancel, p.T("watch.maintenance.cancel", nil), web.Fine
		case Running:
			one.Do, one.Action, one.Severity = kindEnd, p.T("watch.maintenance.end", nil), web.Warn
		default:
			page.Past = append([]listed{one}, page.Past...)
			continue
		}
		page.Next = append(page.Next, one)
	}
	return page, err
}

func (v views) change(r *http.Request) (string, error) {
	var err error
	switch id := r.PostForm.Get("id"); r.PostForm.Get("do") {
	case kindEnd:
		_, err = v.End(r.Context(), id)
	case kindCancel:
		_, err = v.Cancel(r.Context(), id)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return Path, err
}

// planPage is the form of a new maintenance.
type planPage struct {
	Services []note.Choice
	Fields   []web.Field
}

func (v views) ask(r *http.Request) (page planPage, err error) {
	var names []string
	if v.n.Services != nil {
		names, err = v.n.Services(r.Context())
	}
	page.Services = note.Choices(r, names)
	field := func(name, label, kind, value string) web.Field {
		if r.Method == http.MethodPost {
			value = r.PostForm.Get(name)
		}
		return web.Field{Name: name, Label: label, Kind: kind, Value: value, Required: true}
	}
	text := web.Field{Name: "text", Label: "watch.maintenance.text", Hint: "watch.maintenance.text_hint", Rows: 4, Value: r.PostFormValue("text")}
	zone := field("zone", "watch.maintenance.zone", "", v.n.Zone.String())
	zone.Hint = "watch.maintenance.zone_hint"
	page.Fields = []web.Field{
		field("from", "watch.maintenance.from", "datetime-local", ""), field("to", "watch.maintenance.to", "datetime-local", ""), zone, text,
	}
	return page, err
}

func (v views) plan(r *http.Request) (string, error) {
	get := r.PostForm.Get
	p, err := typed{from: get("from"), to: get("to"), zone: get("zone"), services: r.PostForm["service"]}.plan(v.n.Zone)
	if err != nil {
		return "", err
	}
	_, err = v.Plan(r.Context(), p, note.Document{Lang: v.site.Printer(r).Lang, Text: note.Tidy(get("text"))})
	return Path, err
}
