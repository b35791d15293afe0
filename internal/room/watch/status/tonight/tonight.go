package tonight

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

//go:embed pages/*.html
var pages embed.FS

// Path is the page; OnePath is one trouble, named by ?incident=.
const (
	Path    = "/admin/watch"
	OnePath = Path + "/one"
)

// Needs is what the pages are made of; all of it is required.
type Needs struct{ Source Source }

// Tonight is the pages.
type Tonight struct{ n Needs }

// New makes them.
func New(n Needs) *Tonight { return &Tonight{n} }

// Pages are all of them, with their place in the admin's menu and on the overview.
func (x *Tonight) Pages(site *web.Site) web.Pages {
	all := web.NewPage[nightView](site, pages, "pages/tonight.html", "pages/parts.html")
	one := web.NewPage[troubleView](site, pages, "pages/one.html", "pages/parts.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: Path, Handler: all.Form(func(r *http.Request) (nightView, error) { return x.night(r, site.Printer(r)) }, x.acknowledge)},
			{Pattern: OnePath, Handler: one.Form(func(r *http.Request) (troubleView, error) { return x.one(r, site.Printer(r)) }, x.again)},
		},
		Menu: []web.Entry{{Path: Path, Key: "watch.status.tonight_menu", Group: web.GroupWatch, Order: 20}},
		Alarms: []web.Panel{web.NewPanel(site, pages, "pages/panel.html", func(r *http.Request) (nightView, bool, error) {
			v, err := x.night(r, site.Printer(r))
			return v, len(v.Troubles) > 0 || v.Isolated != 0, err
		})},
	}
}

// nightView is the page of all troubles. It asks for one thing at most: that somebody takes
// care of the first one or, when somebody does, that users are told.
type nightView struct {
	Isolated core.Moment
	Troubles []troubleLine
	Awake    []Person
	Watched  int
	Newest   core.Moment
	Unseen   string
	Take     *troubleLine // the one to take care of
	Write    *troubleLine // the one whose users wait for a word
}

// troubleLine is a trouble in the list.
type troubleLine struct {
	ID, Page, Title, Hoster string
	Severity                web.Severity
	State                   string
	Since, Acknowledged     core.Moment
	By, Write               string
	Ours                    bool
	Told                    int
}

func (x *Tonight) night(r *http.Request, p *words.Printer) (v nightView, err error) {
	n, err := x.n.Source.Night(r.Context())
	if err != nil {
		return v, err
	}
	n = n.bounded()
	v = nightView{Isolated: n.Isolated, Awake: n.Awake, Watched: n.Watched, Newest: n.Newest, Unseen: strings.Join(n.Unseen, ", ")}
	for _, t := range n.Troubles {
		v.Troubles = append(v.Troubles, lineOf(p, t))
	}
	for i := range v.Troubles {
		switch t := &v.Troubles[i]; {
		case t.Ours && t.Acknowledged == 0 && v.Take == nil:
			v.Take = t
		case t.Ours && t.Write != "" && v.Write == nil:
			v.Write = t
		}
	}
	if v.Take != nil {
		v.Write = nil
	}
	return v, nil
}

func lineOf(p *words.Printer, t Trouble) troubleLine {
	l := troubleLine{
		ID: t.ID, Page: OnePath + "?" + url.Values{"incident": {t.ID}}.Encode(), Hoster: t.Name, Title: strings.Join(t.Services, ", "), Since: t.Since,
		Acknowledged: t.Acknowledged, By: t.By, Ours: t.Ours, Write: t.Write,
	}
	if len(t.Services) == 0 {
		l.Title = p.T("watch.status.all_services", nil)
	}
	l.State, l.Severity = stateOf(p, t.State)
	if t.Weak {
		l.State += ", " + p.T("watch.status.unsure", nil)
	}
	for _, told := range t.Told {
		if told.State == Sent || told.State == Seen {
			l.Told++
		}
	}
	return l
}

func stateOf(p *words.Printer, s verdict.State) (string, web.Severity) {
	switch s {
	case verdict.Up:
		return p.T("watch.status.is_up", nil), web.Fine
	case verdict.Partial:
		return p.T("watch.status.is_partial", nil), web.Warn
	case verdict.Down:
		return p.T("watch.status.is_down", nil), web.Trouble
	case verdict.Unknown:
	}
	return p.T("watch.status.is_unknown", nil), web.None
}

// troubleView is one trouble: what each vantage point sees, and who was told.
type troubleView struct {
	troubleLine
	Targets  []targetView
	Messages []message
}

// targetView is one target; the first row is what we see.
type targetView struct {
	Name, Address string
	Rows          []seen
}

// seen is one row of the comparison.
type seen struct {
	Who      string
	Here     bool
	State    string
	Severity web.Severity
	Class    string
	At       core.Moment
	Took     string
	Detail   string
	Differs  bool // from what we see
}

// message is one that was sent, or waits.
type message struct {
	Person, Channel, State string
	Severity               web.Severity
	At                     core.Moment
}

func (x *Tonight) one(r *http.Request, p *words.Printer) (v troubleView, err error) {
	n, err := x.n.Source.Night(r.Context())
	if err != nil {
		return v, err
	}
	id := r.URL.Query().Get("incident")
	for _, t := range n.bounded().Troubles {
		if t.ID != id || id == "" {
			continue
		}
		v.troubleLine = lineOf(p, t)
		for _, target := range t.Targets {
			v.Targets = append(v.Targets, targetOf(p, target))
		}
		for _, told := range t.Told {
			v.Messages = append(v.Messages, messageOf(p, told))
		}
		return v, nil
	}
	return v, core.NotFound("watch.status.tonight_over", errors.New("no such trouble"))
}

func targetOf(p *words.Printer, t Target) targetView {
	v := targetView{Name: t.Service, Address: t.Address}
	if t.Here.At != 0 {
		row := rowOf(p, t.Here)
		row.Here, row.Who = true, p.T("watch.status.tonight_here", nil)
		v.Rows = append(v.Rows, row)
	}
	for _, voter := range t.Voters {
		row := rowOf(p, voter)
		row.Detail = ""
		row.Differs = t.Here.At != 0 && voter.At != 0 && voter.State != t.Here.State
		v.Rows = append(v.Rows, row)
	}
	return v
}

func rowOf(p *words.Printer, view View) seen {
	row := seen{Who: string(view.Who), At: view.At, Detail: view.Detail, Class: classOf(p, view.Class)}
	row.State, row.Severity = stateOf(p, view.State)
	if view.At == 0 {
		row.State = p.T("watch.status.tonight_no_look", nil)
	}
	switch {
	case view.Took >= time.Second:
		row.Took = p.Span(view.Took)
	case view.Took > 0:
		row.Took = strconv.FormatInt(view.Took.Milliseconds(), 10) + "\u00a0ms"
	}
	return row
}

// classOf says how a look ended; a class that this program does not know is shown as it is.
func classOf(p *words.Printer, c look.Class) string {
	switch c {
	case look.Fine:
		return ""
	case look.Slow, look.DNS, look.Refused, look.Timeout, look.Reset, look.TLS, look.Cert, look.HTTP4xx, look.HTTP5xx,
		look.Content, look.Blocked, look.Silent, look.Failed, look.Stale, look.Unfit:
		return p.T("watch.status.class_"+string(c), nil)
	}
	return status.Clean(string(c), maxName, false)
}

func messageOf(p *words.Printer, t Told) message {
	m := message{Person: t.Person, Channel: contact.ChannelName(p, t.Channel), At: t.At, Severity: web.None}
	state := "waiting"
	switch t.State {
	case Sent, Seen:
		state, m.Severity = string(t.State), web.Fine
	case Failed:
		state, m.Severity = string(t.State), web.Trouble
	case Held:
		state = string(t.State)
	case Waiting:
	}
	m.State = p.T("watch.status.told_"+state, nil)
	return m
}

// acknowledge takes care of the incident that the form names.
func (x *Tonight) acknowledge(r *http.Request) (string, error) {
	id := r.PostForm.Get("incident")
	if err := x.n.Source.Acknowledge(r.Context(), id); err != nil {
		return "", err
	}
	return Path, nil
}

// again has everybody look anew, and shows the same page.
func (x *Tonight) again(r *http.Request) (string, error) {
	id := r.URL.Query().Get("incident")
	if err := x.n.Source.Again(r.Context(), id); err != nil {
		return "", err
	}
	return OnePath + "?" + url.Values{"incident": {id}}.Encode(), nil
}
