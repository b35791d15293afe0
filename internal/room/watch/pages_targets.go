package watch

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

//go:embed pages/*.html
var pages embed.FS

const targetsPath = "/admin/watch/targets"

// targetForms are where an admin says what is looked at.
type targetForms struct{ *Room }

func (r targetForms) pages(site *web.Site) web.Pages {
	page := web.NewPage[targetsPage](site, pages, "pages/targets.html")
	return web.Pages{
		Routes: []web.Route{{Pattern: targetsPath, Handler: page.Form(r.read, r.change)}},
		Menu:   []web.Entry{{Path: targetsPath, Key: "watch.menu.targets", Group: web.GroupWatch, Order: 22}},
	}
}

type targetsPage struct {
	Rows             []targetRow
	Offers           []Offer
	Address, Service web.Field
}

type targetRow struct {
	ID, Service, Address string
	Kind                 target.Kind
	Every                time.Duration
	Who                  string // words key
	Paused               bool
	State                string // words key of what is concluded
	Severity             web.Severity
	Class                string // words key of what our own last look found; empty = there was none
	Seen                 core.Moment
}

// Offer is a service of our own catalogue that nobody looks at yet.
type Offer struct{ Service, Address string }

func (r targetForms) read(req *http.Request) (targetsPage, error) {
	ctx := req.Context()
	all, err := r.list.Of(ctx, r.Signer.ID())
	if err != nil {
		return targetsPage{}, err
	}
	page := targetsPage{
		Address: web.Field{Name: "address", Label: "watch.targets.address", Hint: "watch.targets.address_hint", Required: true, Value: req.PostFormValue("address")},
		Service: web.Field{Name: "service", Label: "watch.targets.service", Hint: "watch.targets.service_hint", Value: req.PostFormValue("service")},
	}
	for _, t := range all {
		row, err := r.row(ctx, t)
		if err != nil {
			return page, err
		}
		page.Rows = append(page.Rows, row)
	}
	page.Offers, err = r.offers(ctx, all)
	return page, err
}

// row is a target with how it stands.
func (r targetForms) row(ctx context.Context, t target.Target) (targetRow, error) {
	v := r.Verdicts.State(t.Owner, t.ID)
	row := targetRow{
		ID: t.ID, Service: t.Service, Address: t.Address, Kind: t.Kind, Every: t.Every, Who: t.Mode(), Paused: t.Paused,
		State: "watch.state_" + stateName(v.State), Severity: severity(v.State),
	}
	newest, ok, err := r.Recorder.Latest(ctx, t.Owner, t.ID)
	switch {
	case t.Paused:
		row.State, row.Severity = "watch.target.mode_paused", web.None
	case !ok:
		row.State, row.Severity = "watch.no_look", web.None
	default:
		row.Class, row.Seen = newest.Class.Key(), newest.At
	}
	return row, err
}

// severity is how bad a state is, for its mark and colour.
func severity(s verdict.State) web.Severity {
	switch s {
	case verdict.Up:
		return web.Fine
	case verdict.Partial:
		return web.Warn
	case verdict.Down:
		return web.Trouble
	case verdict.Unknown:
	}
	return web.None
}

// offers are the services of our own catalogue of whose host nothing is looked at.
func (r targetForms) offers(ctx context.Context, all []target.Target) ([]Offer, error) {
	if r.Offers == nil {
		return nil, nil
	}
	offers, err := r.Offers(ctx)
	return slices.DeleteFunc(offers, func(o Offer) bool {
		u, err := url.Parse(o.Address)
		return err != nil || slices.ContainsFunc(all, func(t target.Target) bool { return t.Host() == strings.ToLower(u.Hostname()) })
	}), err
}

func (r targetForms) change(req *http.Request) (string, error) {
	ctx, form := req.Context(), req.PostForm
	var err error
	switch form.Get("do") {
	case "add":
		_, err = adder(r).addDetected(ctx, strings.TrimSpace(form.Get("address")), strings.TrimSpace(form.Get("service")))
	case "pause", "resume":
		_, err = r.Targets.Change(ctx, form.Get("id"), func(t *target.Target) { t.Paused = form.Get("do") == "pause" })
	case "remove":
		_, err = r.Targets.Remove(ctx, form.Get("id"))
	default:
		err = core.Invalid("watch.targets.bad_do", nil)
	}
	return targetsPath, err
}
