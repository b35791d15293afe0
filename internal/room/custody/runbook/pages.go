package runbook

import (
	"embed"
	"errors"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// Where the admins' pages are.
const (
	Path         = "/admin/custody/runbooks"
	rehearsePath = "/admin/custody/rehearsals/"
	drillPath    = "/admin/custody/drill"
	addPath      = "/admin/custody/sources"
)

type views struct {
	*Service
	site *web.Site
}

// Pages are the admins' pages about runbooks and role plays.
func (s *Service) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	all := web.NewPage[listPage](site, pages, "pages/list.html")
	add := web.NewPage[addPage](site, pages, "pages/add.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html")
	begin := web.NewPage[beginPage](site, pages, "pages/begin.html")
	step := web.NewPage[stepPage](site, pages, "pages/step.html")
	drill := web.NewPage[playPage](site, pages, "pages/drill.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: web.NoStore(all.Show(v.list))},
			{Pattern: addPath, Handler: web.NoStore(add.Form(v.askAdd, v.add))},
			{Pattern: "GET " + Path + "/{id}", Handler: web.NoStore(one.Show(v.one))},
			{Pattern: Path + "/{id}/rehearse", Handler: web.NoStore(begin.Form(v.askBegin, v.begin))},
			{Pattern: rehearsePath + "{id}", Handler: web.NoStore(step.Form(v.step, v.act))},
			{Pattern: drillPath, Handler: web.NoStore(drill.Form(v.drill, v.play))},
		},
		Menu: []web.Entry{
			{Path: Path, Key: "custody.runbook.menu", Group: web.GroupCustody, Order: 50},
			{Path: drillPath, Key: "custody.runbook.drill_menu", Group: web.GroupCustody, Order: 55},
		},
	}
}

// shown is a runbook as a list writes it.
type shown struct {
	View
	Severity web.Severity
	StateKey string
	Last     core.Moment // 0 = never
}

func show(v View) shown {
	s := shown{View: v, StateKey: "custody.runbook.state_" + string(v.State)}
	if v.Last != nil {
		s.Last = v.Last.Ended
	}
	switch v.State {
	case Rehearsed:
		s.Severity = web.Fine
	case Changed, Old:
		s.Severity = web.Warn
	case Failed, Never:
		s.Severity = web.Trouble
	}
	return s
}

// shownSource is where runbooks come from, as the list says it.
type shownSource struct {
	Address  string
	Pulled   core.Moment
	Severity web.Severity
	StateKey string
	Trouble  string // words key of what to do; empty = nothing
}

type listPage struct {
	Runbooks  []shown
	Sources   []shownSource
	Rehearsed int
	Total     int
}

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.List(r.Context())
	if err != nil {
		return page, err
	}
	for _, one := range all {
		page.Runbooks = append(page.Runbooks, show(one))
		if one.State == Rehearsed {
			page.Rehearsed++
		}
	}
	page.Total = len(all)
	sources, err := v.Sources(r.Context())
	for _, s := range sources {
		one := shownSource{Address: s.Address, Pulled: s.Pulled, Severity: web.Fine, StateKey: "custody.runbook.source_well"}
		switch {
		case s.Trouble != "":
			one.Severity, one.StateKey, one.Trouble = web.Warn, "custody.runbook.source_bad", s.Trouble
		case s.Pulled == 0:
			one.Severity, one.StateKey = web.None, "custody.runbook.source_never"
		}
		page.Sources = append(page.Sources, one)
	}
	return page, err
}

type addPage struct{ Address web.Field }

func (v views) askAdd(r *http.Request) (addPage, error) {
	return addPage{web.Field{
		Name: "address", Label: "custody.runbook.ask_address", Hint: "custody.runbook.ask_address_hint", Kind: "url", Value: r.PostForm.Get("address"), Required: true,
	}}, nil
}

func (v views) add(r *http.Request) (string, error) {
	address := strings.TrimSpace(r.PostForm.Get("address"))
	if !strings.HasPrefix(address, "https://") {
		return "", core.Invalid("custody.runbook.only_https", errors.New("no https"))
	}
	_, err := v.Add(r.Context(), address)
	if core.CodeOf(err) == core.CodeUnsure {
		if e, ok := errors.AsType[*core.Error](err); ok {
			// What git could not reach is wrong input here: the form is shown again.
			err = &core.Error{Code: core.CodeInvalid, Key: e.Key, Args: e.Args, Err: e.Err}
		}
	}
	return Path, err
}

// shownRehearsal is one that was made, as a page writes it.
type shownRehearsal struct {
	Rehearsal
	Severity   web.Severity
	OutcomeKey string
	Name       string // the reader's; empty = gone
	Lasted     time.Duration
	Found      []Done // the defects
}

func (v views) shownRehearsal(h Rehearsal, names map[string]string) shownRehearsal {
	s := shownRehearsal{Rehearsal: h, Severity: web.Trouble, OutcomeKey: "custody.runbook.outcome_" + string(h.Outcome), Name: names[h.Reader], Lasted: h.Took().Round(time.Second)}
	if h.Outcome == Reached {
		s.Severity = web.Fine
	}
	for _, d := range h.Done {
		if d.Defect != "" {
			s.Found = append(s.Found, d)
		}
	}
	return s
}

type onePage struct {
	shown
	Authors string
	Text    Text
	History []shownRehearsal
}

func (v views) one(r *http.Request) (page onePage, err error) {
	one, err := v.Get(r.Context(), ID(r.PathValue("id")))
	if err != nil {
		return page, err
	}
	page.shown = show(one)
	names := make([]string, 0, len(one.Authors))
	for _, a := range one.Authors {
		names = append(names, a.Name)
	}
	page.Authors = strings.Join(names, ", ")
	if page.Text, err = Parse(one.Text); err != nil {
		return page, err
	}
	history, err := v.History(r.Context(), one.ID)
	if err != nil {
		return page, err
	}
	people, err := v.names(r.Context())
	for _, h := range history {
		page.History = append(page.History, v.shownRehearsal(h, people))
	}
	return page, err
}

type beginPage struct {
	Title, Path           string
	Nobody                bool
	Reader, Led, Scenario web.Field
}

func (v views) askBegin(r *http.Request) (page beginPage, err error) {
	one, err := v.Get(r.Context(), ID(r.PathValue("id")))
	if err != nil {
		return page, err
	}
	people, err := v.People(r.Context())
	page = beginPage{
		Title: one.Title, Path: Path + "/" + string(one.ID), Nobody: true,
		Reader: web.Field{Name: "reader", Label: "custody.runbook.ask_reader", Hint: "custody.runbook.ask_reader_hint", Required: true},
		Led: web.Field{Name: "led", Label: "custody.runbook.ask_led", Options: []web.Option{
			{Text: v.site.Printer(r).T("custody.runbook.ask_led_nobody", nil)},
		}},
		Scenario: web.Field{Name: "scenario", Label: "custody.runbook.ask_scenario", Hint: "custody.runbook.ask_scenario_hint", Value: r.PostForm.Get("scenario")},
	}
	for _, p := range people {
		page.Led.Options = append(page.Led.Options, web.Option{Value: p.ID, Text: p.Name, Chosen: p.ID == r.PostForm.Get("led")})
		if !one.Wrote(p) {
			page.Nobody = false
			page.Reader.Options = append(page.Reader.Options, web.Option{Value: p.ID, Text: p.Name, Chosen: p.ID == r.PostForm.Get("reader")})
		}
	}
	return page, err
}

func (v views) begin(r *http.Request) (string, error) {
	typed := r.PostForm.Get
	h, err := v.Begin(r.Context(), ID(r.PathValue("id")), Beginning{Reader: typed("reader"), LedBy: typed("led"), Scenario: typed("scenario")})
	return rehearsePath + h.ID, err
}

var errButton = errors.New("no such button")
