package debate

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/debate/document"
	"entrechat/internal/room/assembly/stranger"
)

func (v views) adminRoutes() []web.Route {
	list := web.NewPage[adminPage](v.site, pages, "pages/admin.html", "pages/parts.html")
	fresh := web.NewPage[newPage](v.site, pages, "pages/new.html")
	own := web.NewPage[ownPage](v.site, pages, "pages/own.html", "pages/parts.html")
	text := web.NewPage[textPage](v.site, pages, "pages/text.html")
	action := web.NewPage[actionPage](v.site, pages, "pages/action.html")
	draft := web.NewPage[draftPage](v.site, pages, "pages/draft.html", "pages/parts.html")
	their := web.NewPage[theirPage](v.site, pages, "pages/their.html", "pages/parts.html")
	return []web.Route{
		{Pattern: "GET " + AdminPath, Handler: list.Show(v.admin)},
		{Pattern: pathNew, Handler: fresh.Form(v.askNew, v.open)},
		{Pattern: pathOwn + "{id}", Handler: own.Form(v.own, v.ownDo)},
		{Pattern: pathOwn + "{id}/text", Handler: text.Form(v.askText, v.write)},
		{Pattern: pathOwn + "{id}/action", Handler: action.Form(v.askAction, v.addAction)},
		{Pattern: pathDraft + "{id}", Handler: draft.Form(v.draft, v.sayRead)},
		{Pattern: pathTheir + "{id}", Handler: their.Form(v.their, v.answer)},
	}
}

// adminPage is all that waits for people here, and what stands.
type adminPage struct {
	ToRead, Drafts, Open, Theirs, Over []line
	Told                               []toldLine
}

// toldLine is a postmortem of a member without a question. Link is where it is answered; empty
// where Answer is no address of a page.
type toldLine struct {
	Told
	Link string
}

func (v views) admin(r *http.Request) (page adminPage, err error) {
	p := v.site.Printer(r)
	drafts, err := v.Drafts(r.Context())
	if err != nil {
		return page, err
	}
	for _, d := range drafts {
		page.ToRead = append(page.ToRead, line{ID: pathDraft + d.ID, Title: d.Title, Member: string(d.Member), State: p.T("assembly.debate.state_to_read", nil), At: d.Came, Severity: web.Warn})
	}
	all, err := v.List(r.Context(), []State{Draft, Public, Closed, Dropped}, 200, 0)
	if err != nil {
		return page, err
	}
	for _, d := range all {
		one := v.line(p, d)
		one.ID = pathOwn + d.ID
		switch d.State {
		case Draft:
			page.Drafts = append(page.Drafts, one)
		case Public:
			page.Open = append(page.Open, one)
		case Closed, Dropped:
			page.Over = append(page.Over, one)
		}
	}
	theirs, err := v.Theirs(r.Context(), 100)
	for _, t := range theirs {
		one := line{ID: pathTheir + t.ID, Title: t.Title, Member: string(t.Member), State: p.T("assembly.debate.not_answered", nil), At: t.At, Severity: web.None}
		if len(t.Answers) > 0 {
			one.State, one.Severity = p.T("assembly.debate.we_answered", nil), web.Fine
		}
		page.Theirs = append(page.Theirs, one)
	}
	if err != nil {
		return page, err
	}
	told, err := v.Told(r.Context(), 20)
	for _, t := range told {
		one := toldLine{Told: t}
		if stranger.WebLink(t.Answer) {
			one.Link = t.Answer
		}
		page.Told = append(page.Told, one)
	}
	return page, err
}

// newPage is the form of a debate that a person begins.
type newPage struct{ Reason, Title, Incident web.Field }

func (v views) askNew(r *http.Request) (page newPage, err error) {
	p := v.site.Printer(r)
	page.Title = web.Field{Name: "title", Label: "assembly.debate.title", Hint: "assembly.debate.title_hint", Value: r.PostFormValue("title")}
	page.Reason = web.Field{Name: "reason", Label: "assembly.debate.reason", Required: true}
	for _, reason := range document.Reasons() {
		page.Reason.Options = append(page.Reason.Options, web.Option{Value: string(reason), Text: p.T("assembly.debate.reason_"+string(reason), nil), Chosen: r.PostFormValue("reason") == string(reason)})
	}
	all, err := v.outages(r.Context(), v.now().Add(-365*day))
	page.Incident = web.Field{Name: "incident", Label: "assembly.debate.incident", Hint: "assembly.debate.incident_hint", Options: []web.Option{{Text: p.T("assembly.debate.incident_none", nil)}}}
	for _, o := range all[:min(len(all), 50)] { // a form has at most 15 kB
		page.Incident.Options = append(page.Incident.Options, web.Option{
			Value: o.id, Text: p.Date(o.from) + " · " + firstOf(strings.Join(o.services, ", "), 60), Chosen: r.FormValue("incident") == o.id,
		})
	}
	return page, err
}

func (v views) open(r *http.Request) (string, error) {
	f := r.PostForm
	d, err := v.Open(r.Context(), Opening{Reason: Reason(f.Get("reason")), Title: f.Get("title"), Incident: f.Get("incident"), Lang: v.site.Printer(r).Lang})
	return pathOwn + d.ID, err
}

// ownPage is a debate of ours, and the next thing to do with it.
type ownPage struct {
	line
	measuredLine
	Story            []told
	Question, Note   string
	Reader           string
	Here, Public     string // addresses of this page, and of the public one
	Actions          []actionLine
	Remarks          []remarkLine
	Member, Link     web.Field
	Next             string // write, ask, wait, publish, act, close; empty = nothing
	IsDraft, IsOver  bool
	CanAdd, Gone     bool
	Propose          string
	Incident         string
	StandingSeverity web.Severity
}

func (v views) own(r *http.Request) (page ownPage, err error) {
	d, err := v.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = ownPage{
		line: v.line(p, d), measuredLine: measuredLine{d.From, d.Until, int64(d.Down / time.Minute)}, Story: v.story(p, d.Story), Question: d.Question, Note: d.Note, Reader: string(d.Reader),
		Here: pathOwn + d.ID, IsDraft: d.State == Draft, IsOver: d.State == Closed || d.State == Dropped, CanAdd: d.State == Draft || d.State == Public, Gone: d.Withdrawn,
		Next: next(d), Incident: d.Incident,
	}
	if d.State == Public || d.State == Closed {
		page.Public = Path + "/" + d.ID
		if v.propose != "" {
			page.Propose = v.propose + "?incident=" + d.Doc
		}
	}
	for _, a := range d.Actions {
		page.Actions = append(page.Actions, v.action(p, a))
	}
	for _, one := range d.Remarks {
		page.Remarks = append(page.Remarks, v.remarkLine(p, one))
	}
	page.Link = web.Field{Name: "link", Label: "assembly.debate.link", Hint: "assembly.debate.link_hint", Kind: "url"}
	page.Member, err = v.members(r, p)
	return page, err
}

// next is what a debate waits for.
func next(d Debate) string {
	switch {
	case d.State == Draft && d.Check(true) != nil:
		return "write"
	case d.State == Draft && d.Asked == 0:
		return "ask"
	case d.State == Draft && d.Read == 0:
		return "wait"
	case d.State == Draft:
		return "publish"
	case d.State == Public && d.OpenActions() > 0:
		return "act"
	case d.State == Public:
		return "close"
	}
	return ""
}

func (v views) members(r *http.Request, _ *words.Printer) (web.Field, error) {
	f := web.Field{Name: "member", Label: "assembly.debate.reader", Hint: "assembly.debate.reader_hint", Required: true}
	known, err := v.n.Members.Known(r.Context())
	for _, id := range known[:min(len(known), 100)] {
		f.Options = append(f.Options, web.Option{Value: string(id), Text: string(id), Chosen: r.PostFormValue("member") == string(id)})
	}
	return f, err
}

func (v views) ownDo(r *http.Request) (string, error) {
	id, f, c := r.PathValue("id"), r.PostForm, r.Context()
	here := pathOwn + id
	var err error
	switch f.Get("do") {
	case "ask":
		_, err = v.Ask(c, id, core.MemberID(f.Get("member")))
	case "publish":
		_, err = v.Publish(c, id)
	case "drop":
		_, err = v.Drop(c, id)
		here = AdminPath
	case "close":
		_, err = v.Close(c, id)
	case "done":
		_, err = v.Done(c, f.Get("action"), f.Get("link"))
	case "remove":
		err = v.RemoveAction(c, f.Get("action"))
	case "withdraw":
		err = v.Withdraw(c, id)
	case "show", "refuse":
		err = v.Let(c, f.Get("remark"), f.Get("do") == "show")
	case "need":
		err = v.MakeNeed(c, f.Get("remark"))
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return here, err
}

// textPage is the form of a draft.
type textPage struct {
	ID, Title         string
	Name, Question    web.Field
	First, Hung, Then []web.Field
}

func (v views) askText(r *http.Request) (page textPage, err error) {
	d, err := v.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	typed := func(name, kept string) string {
		if r.PostForm.Has(name) {
			return r.PostForm.Get(name)
		}
		return kept
	}
	page = textPage{ID: d.ID, Title: d.Title}
	page.Name = web.Field{Name: "title", Label: "assembly.debate.title", Hint: "assembly.debate.title_hint", Required: true, Value: typed("title", d.Title)}
	page.Question = web.Field{Name: "question", Label: "assembly.debate.question", Hint: "assembly.debate.question_hint", Rows: 3, Required: true, Value: typed("question", d.Question)}
	for _, part := range d.Story.Parts() {
		f := web.Field{Name: part.Name, Label: "assembly.debate.ask_" + part.Name, Rows: 3, Required: part.Name == "what", Value: typed(part.Name, *part.Text)}
		switch part.Name {
		case "what", "whom":
			page.First = append(page.First, f)
		case "without", "change":
			page.Then = append(page.Then, f)
		default:
			f.Rows = 2
			page.Hung = append(page.Hung, f)
		}
	}
	return page, nil
}

func (v views) write(r *http.Request) (string, error) {
	id, f := r.PathValue("id"), r.PostForm
	t := Texts{Lang: v.site.Printer(r).Lang, Title: f.Get("title"), Question: f.Get("question")}
	for _, part := range t.Story.Parts() {
		*part.Text = f.Get(part.Name)
	}
	_, err := v.Write(r.Context(), id, t)
	return pathOwn + id, err
}

// actionPage is the form of an action; a remark may have led to it.
type actionPage struct {
	ID, Title       string
	What, Role, Due web.Field
	Remark          string
}

func (v views) askAction(r *http.Request) (page actionPage, err error) {
	d, err := v.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	page = actionPage{ID: d.ID, Title: d.Title, Remark: r.FormValue("remark")}
	what := r.PostFormValue("what")
	for _, one := range d.Remarks {
		if one.ID == page.Remark && what == "" {
			line, _, _ := strings.Cut(one.Text, "\n")
			what = firstOf(line, maxWhat)
			if r.FormValue("kind") == "runbook" {
				what = firstOf(v.site.Printer(r).T("assembly.debate.in_runbook", args{"What": line}), maxWhat)
			}
		}
	}
	page.What = web.Field{Name: "what", Label: "assembly.debate.what", Hint: "assembly.debate.what_hint", Required: true, Value: what}
	page.Role = web.Field{Name: "role", Label: "assembly.debate.role", Hint: "assembly.debate.role_hint", Required: true, Value: r.PostFormValue("role")}
	page.Due = web.Field{Name: "due", Label: "assembly.debate.due", Hint: "assembly.debate.due_hint", Kind: "date", Required: true, Value: r.PostFormValue("due")}
	return page, nil
}

func (v views) addAction(r *http.Request) (string, error) {
	id, f := r.PathValue("id"), r.PostForm
	if _, err := v.AddAction(r.Context(), id, Action{What: f.Get("what"), Role: f.Get("role"), Due: f.Get("due")}); err != nil {
		return "", err
	}
	if remark := stranger.Tidy(f.Get("remark")); remark != "" {
		return pathOwn + id, v.Became(r.Context(), remark, "action")
	}
	return pathOwn + id, nil
}

// draftPage is the draft of another member, to be read.
type draftPage struct {
	ToRead
	Parts []told
	Asks  web.Field
	Done  bool
}

func (v views) draft(r *http.Request) (page draftPage, err error) {
	page.ToRead, err = v.Draft(r.Context(), r.PathValue("id"))
	page.Parts, page.Done = v.story(v.site.Printer(r), page.Story), page.Read != 0
	page.Asks = web.Field{Name: "note", Label: "assembly.debate.note", Hint: "assembly.debate.note_hint", Rows: 4, Value: r.PostFormValue("note")}
	return page, err
}

func (v views) sayRead(r *http.Request) (string, error) {
	return AdminPath, v.SayRead(r.Context(), r.PathValue("id"), r.PostForm.Get("note"))
}

// theirPage is the question of another member, and what we answer.
type theirPage struct {
	Their
	Parts   []told
	Says    []remarkLine
	Text    web.Field
	CanSay  bool
	ReadsAs string
}

func (v views) their(r *http.Request) (page theirPage, err error) {
	if page.Their, err = v.Their(r.Context(), r.PathValue("id")); err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page.Parts, page.CanSay, page.ReadsAs = v.story(p, page.Story), len(page.Answers) < perDebate, p.T("assembly.debate.reason_"+string(page.Reason), nil)
	for _, a := range page.Answers {
		one := v.remarkLine(p, a)
		one.Can = !a.Gone
		page.Says = append(page.Says, one)
	}
	page.Text = web.Field{Name: "text", Label: "assembly.debate.our_answer", Hint: "assembly.debate.our_answer_hint", Rows: 5, Required: true, Value: r.PostFormValue("text")}
	return page, nil
}

func (v views) answer(r *http.Request) (string, error) {
	here := pathTheir + r.PathValue("id")
	if remark := r.PostForm.Get("withdraw"); remark != "" {
		return here, v.Withdraw(r.Context(), remark)
	}
	_, err := v.Answer(r.Context(), r.PathValue("id"), v.site.Printer(r).Lang, r.PostForm.Get("text"))
	return here, err
}
