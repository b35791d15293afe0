package home

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where the admins' page of homes is.
const Path = "/admin/homes"

// noticeFor is how long the overview tells that people of a home came for the first time.
const noticeFor = 7 * 24 * time.Hour

// views are the admins' pages about homes.
type views struct{ Doors }

// Pages are the admins' pages about homes. The overview says when the first people of a home
// have come.
func (d Doors) Pages(site *web.Site) web.Pages {
	v := views{d}
	list := web.NewPage[listPage](site, pages, "pages/homes.html")
	one := web.NewPage[onePage](site, pages, "pages/home.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: list.Show(v.list)},
			{Pattern: Path + "/{member}", Handler: one.Form(v.one, v.act)},
		},
		Menu:     []web.Entry{{Path: Path, Key: "identity.home.menu", Group: web.GroupAccounts, Order: 70}},
		Overview: []web.Panel{web.NewPanel(site, pages, "pages/came.html", v.came)},
	}
}

// shown is a home as a page writes it.
type shown struct {
	View
	Severity web.Severity
	State    string // words key
}

func show(v View) shown {
	one := shown{v, web.None, "identity.home.state_promised_not"}
	switch {
	case v.Shut:
		one.Severity, one.State = web.Trouble, "identity.home.state_shut"
	case v.Damaged:
		one.Severity, one.State = web.Trouble, "identity.home.state_damaged"
	case v.In:
		one.Severity, one.State = web.Fine, "identity.home.state_in"
	}
	return one
}

type listPage struct {
	Homes []shown
	Most  int64 // new people of one home within a day
}

func (v views) list(r *http.Request) (listPage, error) {
	page := listPage{Most: v.PerDay}
	all, err := v.Views(r.Context())
	for _, one := range all {
		page.Homes = append(page.Homes, show(one))
	}
	return page, err
}

// domain is a mail domain that a home claims.
type domain struct {
	Name   string
	Proved bool // a mail address of it counts as verified
}

type onePage struct {
	shown
	Most    int64
	Said    core.Moment
	Since   core.Moment // since when it is shut
	Domains []domain
	Why     web.Field
}

func (v views) find(ctx context.Context, text string) (View, error) {
	id, err := core.ParseMemberID(text)
	if err != nil {
		return View{}, core.NotFound("identity.home.none", err).With("Member", "")
	}
	all, err := v.Views(ctx)
	if err != nil {
		return View{}, err
	}
	for _, one := range all {
		if one.Member == id {
			return one, nil
		}
	}
	return View{}, core.NotFound("identity.home.none", errors.New("no such home")).With("Member", string(id))
}

func (v views) one(r *http.Request) (page onePage, err error) {
	found, err := v.find(r.Context(), r.PathValue("member"))
	if err != nil {
		return page, err
	}
	h, err := v.Get(r.Context(), found.Member)
	if err != nil {
		return page, err
	}
	page = onePage{shown: show(found), Most: v.PerDay, Said: h.Said, Since: h.Shut}
	for _, name := range h.Domains {
		proved, err := v.Mail(r.Context(), h, "a@"+name)
		if err != nil {
			return page, err
		}
		page.Domains = append(page.Domains, domain{name, proved})
	}
	page.Why = web.Field{Name: "reason", Label: "identity.home.ask_reason", Hint: "identity.home.ask_reason_hint", Value: r.PostForm.Get("reason")}
	return page, nil
}

// act shuts a home or opens it, as a button says.
func (v views) act(r *http.Request) (string, error) {
	found, err := v.find(r.Context(), r.PathValue("member"))
	if err != nil {
		return "", err
	}
	switch r.PostForm.Get("do") {
	case "shut":
		err = v.Shut(r.Context(), found.Member, r.PostForm.Get("reason"))
	case "open":
		err = v.Open(r.Context(), found.Member)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return Path + "/" + string(found.Member), err
}

// arrived is a home whose first people came lately.
type arrived struct {
	Home  core.MemberID
	Count int
	First core.Moment
}

type camePanel struct{ Homes []arrived }

func (v views) came(r *http.Request) (page camePanel, ok bool, err error) {
	since := core.At(v.Now()).Add(-noticeFor)
	all, err := counts(r.Context(), v.DB, since)
	for _, c := range all {
		if c.first > since {
			page.Homes = append(page.Homes, arrived{c.home, c.ever, c.first})
		}
	}
	slices.SortStableFunc(page.Homes, func(a, b arrived) int { return cmp.Compare(b.First, a.First) })
	return page, len(page.Homes) > 0, err
}
