package people

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/person"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where the admins' page of accounts is.
const Path = "/admin/people"

// shownAtOnce is how many accounts one page lists.
const shownAtOnce = 50

// PageNeeds is what the admins' pages need of others; all of it is required.
type PageNeeds struct {
	// By is the admin who is signed in; the zero person for who came by a link of the command line.
	By func(r *http.Request) (person.Person, error)
	// Seen is when somebody was last here; 0 = never, or too long ago to know.
	Seen func(ctx context.Context, who person.ID) (core.Moment, error)
	// Asked is what somebody wrote who asked for an account; empty = nothing.
	Asked func(ctx context.Context, who person.ID) (string, error)
}

// views are the admins' pages about accounts.
type views struct {
	*Service
	site  *web.Site
	needs PageNeeds
}

// Pages are the admins' pages about accounts.
func (s *Service) Pages(site *web.Site, needs PageNeeds) web.Pages {
	v := views{s, site, needs}
	list := web.NewPage[listPage](site, pages, "pages/people.html", "pages/asked.html")
	add := web.NewPage[addPage](site, pages, "pages/add.html", "pages/link.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html", "pages/link.html")
	roles := web.NewPage[onePage](site, pages, "pages/roles.html")
	end := web.NewPage[closePage](site, pages, "pages/close.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: Path, Handler: web.NoStore(list.Form(v.list, v.admit))},
			// A link opens an account: it is shown and not gone on to, so it stands in no log.
			{Pattern: Path + "/add", Handler: web.NoStore(add.Reveal(v.askAdd, v.add))},
			{Pattern: Path + "/{id}", Handler: web.NoStore(one.Reveal(v.one, v.act))},
			{Pattern: Path + "/{id}/roles", Handler: web.NoStore(roles.Form(v.one, v.setRoles))},
			{Pattern: Path + "/{id}/close", Handler: web.NoStore(end.Form(v.askClose, v.close))},
		},
		Menu:     []web.Entry{{Path: Path, Key: "identity.people.menu", Group: web.GroupAccounts, Order: 50}},
		Overview: []web.Panel{web.NewPanel(site, pages, "pages/waiting.html", v.waiting)},
	}
}

// shown is an account as a page writes it.
type shown struct {
	person.Person
	Visitor  bool
	Severity web.Severity
	State    string // words key
	Roles    string
	Seen     core.Moment // 0 = never, or too long ago to know
	Asked    string      // what they wrote to be let in
}

func (v views) show(r *http.Request, p person.Person) (one shown, err error) {
	one = shown{Person: p, Visitor: p.Kind == person.Visitor, State: "identity.people.state_" + string(p.Status), Roles: said(v.site.Printer(r), p.Roles)}
	switch p.Status {
	case person.Active:
		one.Severity = web.Fine
	case person.Waiting:
		one.Severity = web.Warn
		one.Asked, err = v.needs.Asked(r.Context(), p.ID)
	case person.Suspended:
		one.Severity = web.Trouble
	case person.Closed:
		one.Severity = web.None
	}
	if err != nil {
		return one, err
	}
	one.Seen, err = v.needs.Seen(r.Context(), p.ID)
	return one, err
}

type listPage struct {
	Waiting    []shown
	People     []shown
	Find, Show web.Field
	Searched   bool
	Here, Away int64  // active accounts of ours, and visitors
	More       string // the next page's address; empty = there is none
}

// kinds are what a list may be narrowed to.
func kinds(name string) person.Filter {
	f := person.Filter{Not: person.Closed}
	switch name {
	case "here":
		f.Kind = person.Local
	case "away":
		f.Kind = person.Visitor
	case "suspended":
		f.Status = person.Suspended
	case "closed":
		f.Status, f.Not = person.Closed, ""
	}
	return f
}

func showField(p *words.Printer, chosen string) web.Field {
	field := web.Field{Name: "show", Label: "identity.people.ask_show", Required: true}
	for _, name := range []string{"all", "here", "away", "suspended", "closed"} {
		field.Options = append(field.Options, web.Option{Value: name, Text: p.T("identity.people.show_"+name, nil), Chosen: name == chosen})
	}
	return field
}

func (v views) list(r *http.Request) (page listPage, err error) {
	query := r.URL.Query()
	page.Find = web.Field{Name: "find", Label: "identity.people.ask_find", Kind: "search", Value: query.Get("find")}
	page.Show = showField(v.site.Printer(r), query.Get("show"))
	f := kinds(query.Get("show"))
	page.Searched = query.Get("find") != "" || f != person.Filter{Not: person.Closed}
	f.Part, f.After, f.Limit = query.Get("find"), query.Get("after"), shownAtOnce+1
	if page.People, err = v.some(r, f); err != nil {
		return page, err
	}
	if len(page.People) > shownAtOnce {
		page.People = page.People[:shownAtOnce]
		page.More = Path + "?" + url.Values{"find": {f.Part}, "show": {query.Get("show")}, "after": {page.People[shownAtOnce-1].Handle}}.Encode()
	}
	if page.Waiting, err = v.some(r, person.Filter{Status: person.Waiting, Limit: shownAtOnce}); err != nil {
		return page, err
	}
	counts, err := v.People.Count(r.Context())
	page.Here, page.Away = counts[person.Local][person.Active], counts[person.Visitor][person.Active]
	return page, err
}

func (v views) some(r *http.Request, f person.Filter) (out []shown, err error) {
	found, err := v.People.List(r.Context(), f)
	for _, p := range found {
		one, err := v.show(r, p)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, err
}

// admit lets in who asked.
func (v views) admit(r *http.Request) (string, error) {
	by, err := v.needs.By(r)
	if err == nil {
		_, err = v.Admit(r.Context(), by, person.ID(r.PostForm.Get("person")))
	}
	return Path, err
}

type waitingPanel struct{ Count int64 }

// waiting says on the overview that somebody asked for an account.
func (v views) waiting(r *http.Request) (waitingPanel, bool, error) {
	counts, err := v.People.Count(r.Context())
	n := counts[person.Local][person.Waiting]
	return waitingPanel{n}, n > 0, err
}

// drawn is an address where a person chooses how to sign in.
type drawn struct{ Handle, Link string }

type addPage struct {
	Handle, Name, Mail, Lang web.Field
	Drawn                    *drawn
	ID                       person.ID
}

func (v views) askAdd(r *http.Request) (addPage, error) {
	typed := r.PostForm.Get
	lang := typed("lang")
	if lang == "" {
		lang = v.site.Printer(r).Lang
	}
	return addPage{
		Handle: web.Field{Name: "handle", Label: "identity.people.ask_handle", Hint: "identity.people.ask_handle_hint", Value: typed("handle"), Required: true},
		Name:   web.Field{Name: "name", Label: "identity.people.flag_name", Value: typed("name")},
		Mail:   web.Field{Name: "mail", Label: "identity.people.head_mail", Hint: "identity.people.ask_mail_hint", Kind: "email", Value: typed("mail")},
		Lang: web.Field{Name: "lang", Label: "identity.people.ask_lang", Required: true, Options: []web.Option{
			{Value: words.French, Text: "Français", Chosen: lang == words.French}, {Value: words.English, Text: "English", Chosen: lang == words.English},
		}},
	}, nil
}

func (v views) add(r *http.Request) (page addPage, err error) {
	by, err := v.needs.By(r)
	if err != nil {
		return page, err
	}
	typed := r.PostForm.Get
	made, err := v.Add(r.Context(), by, person.New{Handle: typed("handle"), Name: typed("name"), Mail: typed("mail"), Lang: typed("lang")})
	if err != nil {
		return page, err
	}
	return addPage{Drawn: &drawn{made.Handle, made.Address}, ID: made.ID}, nil
}

var errButton = errors.New("no such button")
