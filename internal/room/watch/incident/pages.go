package incident

import (
	"embed"
	"errors"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/watch/incident/note"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where an admin writes about incidents.
const Path = "/admin/watch/incidents"

// views are the pages about incidents.
type views struct {
	*Reporter
	site *web.Site
}

// Pages are the admin's pages about incidents; Menu is their line.
func (s *Reporter) Pages(site *web.Site) []web.Route {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/incidents.html")
	open := web.NewPage[openPage](site, pages, "pages/open.html")
	one := web.NewPage[onePage](site, pages, "pages/incident.html")
	learn := web.NewPage[learnPage](site, pages, "pages/postmortem.html")
	return []web.Route{
		{Pattern: "GET " + Path, Handler: list.Show(v.list)},
		{Pattern: Path + "/new", Handler: open.Form(v.askOpen, v.open)},
		{Pattern: Path + "/{id}", Handler: one.Form(v.one, v.say)},
		{Pattern: Path + "/{id}/postmortem", Handler: learn.Form(v.askLearn, v.learn)},
	}
}

// Menu is the line of the admin's menu.
func Menu() []web.Entry {
	return []web.Entry{{Path: Path, Key: "watch.incident.menu", Group: web.GroupWatch, Order: 42}}
}

// listed is an incident as a page lists it.
type listed struct {
	ID, Title, Standing string
	Opened              core.Moment
	Severity            web.Severity
	Weak                bool
}

// listPage lists our incidents: those that are open, and those of the last year.
type listPage struct{ Open, Over []listed }

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.Incidents(r.Context(), v.n.Self, v.now().Add(-365*day), 200)
	for _, i := range all {
		one := v.listed(r, i)
		if i.Open() {
			page.Open = append(page.Open, one)
		} else {
			page.Over = append(page.Over, one)
		}
	}
	return page, err
}

func (v views) listed(r *http.Request, i Incident) listed {
	p := v.site.Printer(r)
	severity := web.None
	switch {
	case i.Open() && len(i.Down) > 0 && !i.Weak:
		severity = web.Trouble
	case i.Open():
		severity = web.Warn
	}
	return listed{i.ID, Title(p, i), Standing(p, i, v.now()), i.Opened, severity, i.Weak}
}

// openPage is the form of a manual incident.
type openPage struct {
	Services []note.Choice
	Text     web.Field
}

func (v views) askOpen(r *http.Request) (page openPage, err error) {
	var names []string
	if v.n.Services != nil {
		names, err = v.n.Services(r.Context())
	}
	page.Services = note.Choices(r, names)
	page.Text = textField(r)
	return page, err
}

func textField(r *http.Request) web.Field {
	return web.Field{Name: "text", Label: "watch.incident.text", Hint: "watch.incident.text_hint", Rows: 5, Required: true, Value: r.PostFormValue("text")}
}

func (v views) open(r *http.Request) (string, error) {
	i, err := v.Open(r.Context(), r.PostForm["service"], v.typed(r))
	return Path + "/" + i.ID, err
}

// typed is the text of a form, in the language of the page.
func (v views) typed(r *http.Request) note.Document {
	return note.Document{Lang: v.site.Printer(r).Lang, Text: note.Tidy(r.PostForm.Get("text"))}
}

// told is a line of a timeline as a page shows it.
type told struct {
	At         core.Moment
	Says, Text string
	Name       string // of a text that can be withdrawn
}

// answered is one question of a postmortem with its answer.
type answered struct{ Asks, Says string }

// onePage is an incident, and what may be added to it.
type onePage struct {
	listed
	Over     bool // nothing more is expected but what was learned
	Typed    bool // the form comes back
	Unstable bool
	Lines    []told
	Learned  []answered
	Answer   string
	Kinds    web.Field
	Text     web.Field
}

func (v views) one(r *http.Request) (page onePage, err error) {
	story, err := v.story(r)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = onePage{listed: v.listed(r, story.Incident), Over: !story.Open(), Typed: r.Method == http.MethodPost, Unstable: story.Unstable, Answer: story.Answer, Text: textField(r)}
	for _, l := range story.Lines {
		one := told{At: l.At, Says: l.Says(p), Text: l.TextOf(p)}
		if l.Text != nil && l.Text.State == note.Held {
			one.Name = l.Name
		}
		page.Lines = append(page.Lines, one)
	}
	if story.Postmortem != nil {
		for _, name := range note.Fields() {
			if text := story.Postmortem.Get(name); text != "" && name != "answer" {
				page.Learned = append(page.Learned, answered{p.T("watch.incident.ask_"+name, nil), text})
			}
		}
	}
	kinds := []Kind{KindUpdate, KindCorrection}
	if story.Open() && len(story.Down) == 0 {
		kinds = append(kinds, KindClose)
	}
	page.Kinds = web.Field{Name: "kind", Label: "watch.incident.kind", Required: true}
	for _, k := range kinds {
		page.Kinds.Options = append(page.Kinds.Options, web.Option{Value: string(k), Text: p.T("watch.incident.kind_"+string(k), nil), Chosen: r.PostFormValue("kind") == string(k)})
	}
	return page, nil
}

// story reads the incident that an address names; it must be ours.
func (v views) story(r *http.Request) (Story, error) {
	if _, err := v.own(r.Context(), r.PathValue("id")); err != nil {
		return Story{}, err
	}
	return v.Incident(r.Context(), r.PathValue("id"))
}

// say adds to an incident, or takes a text down.
func (v views) say(r *http.Request) (string, error) {
	id := r.PathValue("id")
	switch kind := Kind(r.PostForm.Get("kind")); {
	case r.PostForm.Get("withdraw") != "":
		story, err := v.story(r)
		if err != nil {
			return "", err
		}
		name := r.PostForm.Get("withdraw")
		if !slices.ContainsFunc(story.Lines, func(l Line) bool { return l.Name == name }) {
			return "", core.Invalid("web.bad_form", errors.New("a text of another incident"))
		}
		return Path + "/" + id, v.Withdraw(r.Context(), name)
	case kind == KindUpdate || kind == KindCorrection || kind == KindClose:
		_, err := v.Say(r.Context(), id, kind, v.typed(r))
		return Path + "/" + id, err
	}
	return "", core.Invalid("web.bad_form", errors.New("no such button"))
}

// learnPage is the form of a postmortem, beside what the machine knows.
type learnPage struct {
	listed
	Lines             []told
	First, Hung, Then []web.Field
}

func (v views) askLearn(r *http.Request) (page learnPage, err error) {
	one, err := v.one(r)
	if err != nil {
		return page, err
	}
	story, err := v.story(r)
	if err != nil {
		return page, err
	}
	page.listed, page.Lines = one.listed, one.Lines
	depends := []string{"programs", "companies", "people", "power", "network"}
	for _, name := range note.Fields() {
		f := web.Field{Name: name, Label: "watch.incident.ask_" + name, Rows: 3, Required: name == "what" || name == "answer"}
		switch {
		case r.Method == http.MethodPost:
			f.Value = r.PostForm.Get(name)
		case story.Postmortem != nil:
			f.Value = story.Postmortem.Get(name)
		}
		switch {
		case name == "what" || name == "whom":
			page.First = append(page.First, f)
		case slices.Contains(depends, name):
			page.Hung = append(page.Hung, f)
		default:
			if name == "answer" {
				f.Rows, f.Hint = 0, "watch.incident.answer_hint"
			}
			page.Then = append(page.Then, f)
		}
	}
	return page, nil
}

func (v views) learn(r *http.Request) (string, error) {
	d := note.Document{Lang: v.site.Printer(r).Lang, Postmortem: &note.Postmortem{}}
	for _, name := range note.Fields() {
		d.Postmortem.Set(name, r.PostForm.Get(name))
	}
	i, err := v.Say(r.Context(), r.PathValue("id"), KindPostmortem, d)
	return Path + "/" + i.ID, err
}
