package hall

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/record"
	"entrechat/internal/room/assembly/tally"
)

// oneDay is 24 hours; a proposal is usually looked at again after a year.
const (
	oneDay    = 24 * time.Hour
	reviewed  = 365 * oneDay
	mostDays  = 120
	maxTyped  = 4 * motion.MaxText // octets of a text that is looked at
	maxOption = 10
)

func (v views) proposeRoutes() []web.Route {
	form := web.NewPage[formPage](v.site, pages, "pages/new.html")
	write, send := form.Reveal(v.form, v.preview), form.Form(v.form, v.send)
	return []web.Route{
		{Pattern: "GET " + NewPath, Handler: write},
		{Pattern: "POST " + NewPath, Handler: write},
		{Pattern: "GET " + sendPath, Handler: send},
		{Pattern: "POST " + sendPath, Handler: send},
	}
}

// formPage is a proposal while it is written, and what it will look like.
type formPage struct {
	Kinds       []pick
	Collective  web.Field // where we follow several
	Fields      []web.Field
	Options     web.Field
	More        []web.Field // times
	Hidden      []hidden    // what goes along
	From        *Origin     // the need or the incident that it comes from
	Again       bool        // a new version
	Fallback    bool
	None        bool // we follow no collective
	Preview     template.HTML
	Title, Lang string   // of what is previewed
	Typed       []hidden // everything, for sending it out or changing it
}

// hidden is a field that nobody sees.
type hidden struct{ Name, Value string }

// names are the fields of the form.
func names() []string {
	return []string{"kind", "collective", "title", "text", "options", "review", "talk", "commit", "replaces", "fallback", "need", "incident"}
}

func (v views) form(r *http.Request) (page formPage, err error) {
	if err := r.ParseForm(); err != nil {
		return page, core.Invalid("web.bad_form", err)
	}
	p := v.site.Printer(r)
	start, err := v.start(r, &page)
	if err != nil {
		return page, err
	}
	typed := func(name string) string {
		if r.PostForm.Has(name) {
			return r.PostForm.Get(name)
		}
		return start[name]
	}
	if !page.Again {
		for _, k := range []tally.Kind{tally.KindConsent, tally.KindChoice, tally.KindLazy, tally.KindPoll} {
			chosen := typed("kind") == string(k) || typed("kind") == "" && k == tally.KindConsent
			page.Kinds = append(page.Kinds, pick{string(k), p.T("assembly.hall.kind_"+string(k), nil), p.T("assembly.hall.kind_hint_"+string(k), nil), chosen})
		}
	}
	if err := v.collectives(r.Context(), &page, typed("collective")); err != nil {
		return page, err
	}
	page.Fields = []web.Field{
		{Name: "title", Label: "assembly.hall.title", Hint: "assembly.hall.title_hint", Required: true, Value: typed("title")},
		{Name: "text", Label: "assembly.hall.text", Hint: "assembly.hall.text_hint", Required: true, Rows: 12, Value: typed("text")},
	}
	page.Options = web.Field{Name: "options", Label: "assembly.hall.options", Hint: "assembly.hall.options_hint", Rows: 4, Value: typed("options")}
	page.More = []web.Field{
		{Name: "review", Label: "assembly.hall.review", Hint: "assembly.hall.review_hint", Kind: "date", Value: typed("review")},
		{Name: "talk", Label: "assembly.hall.talk", Hint: "assembly.hall.talk_hint", Kind: "number", Value: typed("talk")},
		{Name: "commit", Label: "assembly.hall.commit", Hint: "assembly.hall.commit_hint", Kind: "number", Value: typed("commit")},
	}
	for _, name := range []string{"replaces", "fallback", "need", "incident"} {
		if value := r.FormValue(name); value != "" {
			page.Hidden = append(page.Hidden, hidden{name, value})
		}
	}
	return page, nil
}

// start is what stands in an empty form: of a new version the version before, of a need or an
// incident what it says.
func (v views) start(r *http.Request, page *formPage) (map[string]string, error) {
	ctx, p := r.Context(), v.site.Printer(r)
	start := map[string]string{"review": v.Now().Add(reviewed).UTC().Format(time.DateOnly)}
	if id := r.FormValue("replaces"); id != "" {
		d, err := v.Decisions.View(ctx, id)
		if err != nil {
			return nil, err
		}
		page.Again, page.Fallback = true, r.FormValue("fallback") != ""
		start["title"], start["text"], start["options"], start["review"] = d.Title, d.Text, strings.Join(d.Options, "\n"), d.Review
		return start, nil
	}
	for _, from := range []struct {
		name, key string
		get       func(context.Context, string) (Origin, error)
	}{{"need", "assembly.hall.text_need", v.Need}, {"incident", "assembly.hall.text_incident", v.Incident}} {
		id := r.FormValue(from.name)
		if id == "" || from.get == nil {
			continue
		}
		origin, err := from.get(ctx, id)
		if err != nil {
			return nil, err
		}
		page.From = &origin
		start["title"] = title(origin.Title)
		start["text"] = p.T(from.key, map[string]any{"Text": quoted(origin.Text)})
	}
	return start, nil
}

// quoted is a text as a quotation in Markdown.
func quoted(text string) string { return "> " + strings.ReplaceAll(motion.Tidy(text), "\n", "\n> ") }

// title is a text as the title of a proposal.
func title(text string) string {
	text = record.Clean(text)
	if r := []rune(text); len(r) > motion.MaxTitle {
		return strings.TrimSpace(string(r[:motion.MaxTitle-1])) + "…"
	}
	return text
}

// collectives fills in where it can be proposed.
func (v views) collectives(ctx context.Context, page *formPage, chosen string) error {
	all, err := v.Followed(ctx)
	page.None = len(all) == 0
	if len(all) < 2 || page.Again {
		return err
	}
	page.Collective = web.Field{Name: "collective", Label: "assembly.record.fact_collective", Required: true}
	for _, c := range all {
		page.Collective.Options = append(page.Collective.Options, web.Option{Value: c.ID, Text: record.Clean(c.Name), Chosen: c.ID == chosen})
	}
	return err
}

// draft reads what was typed. Returns CodeInvalid.
func (v views) draft(r *http.Request) (d decision.Draft, err error) {
	f := r.PostForm
	d = decision.Draft{
		Collective: f.Get("collective"), Kind: tally.Kind(f.Get("kind")), Title: record.Clean(f.Get("title")), Text: f.Get("text"), Review: strings.TrimSpace(f.Get("review")),
		Replaces: f.Get("replaces"), Fallback: f.Get("fallback") != "",
	}
	if len(d.Text) > maxTyped {
		return d, core.Invalid("web.too_big", errors.New("text"))
	}
	for line := range strings.Lines(motion.Tidy(f.Get("options"))) {
		if line = strings.TrimSpace(line); line != "" {
			d.Options = append(d.Options, line)
		}
	}
	if d.Kind == tally.KindConsent || d.Kind == tally.KindLazy {
		d.Options = nil
	}
	if d.Kind == tally.KindPoll {
		d.Review = ""
	}
	for _, from := range []struct {
		name string
		into *[]string
	}{{"need", &d.Needs}, {"incident", &d.Incidents}} {
		if id := f.Get(from.name); id != "" {
			*from.into = []string{id}
		}
	}
	if d.Talk, err = days(f.Get("talk")); err == nil {
		d.Commit, err = days(f.Get("commit"))
	}
	if err == nil && d.Collective == "" && d.Replaces == "" {
		all, err := v.Followed(r.Context())
		if err != nil {
			return d, err
		}
		if len(all) != 1 {
			return d, core.Invalid("assembly.hall.which_collective", errors.New("not one"))
		}
		d.Collective = all[0].ID
	}
	return d, err
}

// days reads a number of days; empty = the usual time.
func days(text string) (time.Duration, error) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostDays {
		return 0, core.Invalid("assembly.hall.bad_days", errors.New("no number of days")).With("Most", mostDays)
	}
	return time.Duration(n) * oneDay, nil
}

// preview shows the proposal as everybody will see it; nothing is sent. What is to be changed
// comes back as it was typed.
func (v views) preview(r *http.Request) (page formPage, err error) {
	if page, err = v.form(r); err != nil || r.PostForm.Get("do") == "change" {
		return page, err
	}
	d, err := v.draft(r)
	if err != nil {
		return page, err
	}
	said, err := v.Decisions.Try(r.Context(), d)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	rec := v.tried(r.Context(), p, said)
	for _, name := range names() {
		if value := r.PostForm.Get(name); value != "" {
			page.Typed = append(page.Typed, hidden{name, value})
		}
	}
	page.Title, page.Lang = rec.Title, rec.Lang
	page.Preview, err = v.write.Article(rec, p.Lang, said.Opened)
	return page, err
}

// tried is the record of a proposal that is not sent.
func (v views) tried(ctx context.Context, p *words.Printer, said motion.Proposal) record.Record {
	q := said.Question("")
	view := decision.View{
		Summary: decision.Summary{
			By: said.By, Charter: said.Charter, Kind: said.Kind, Fallback: said.Fallback, Hurried: q.Hurried(), Version: said.Version, Lang: said.Lang, Title: said.Title,
			Phase: tally.PhaseTalk, Opened: said.Opened, TalkUntil: said.TalkUntil, CommitUntil: said.CommitUntil, RevealUntil: said.RevealUntil,
			CountedAt: said.CountedAt(), Review: said.Review,
		},
		Text: said.Text, Options: said.Options, From: said.From,
	}
	for _, e := range said.Electorate {
		view.Electorate = append(view.Electorate, decision.ElectorView{Member: e.Member, Sleeping: e.Sleeping})
	}
	return v.whole(ctx, p, &view)
}

// send sends it out.
func (v views) send(r *http.Request) (string, error) {
	d, err := v.draft(r)
	if err != nil {
		return "", err
	}
	id, err := v.Decisions.Propose(r.Context(), d)
	if err != nil {
		return "", err
	}
	return AdminPath + "/" + id, nil
}
