package hall

import (
	"html/template"
	"net/http"

	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/record"
	"entrechat/internal/room/assembly/tally"
)

// listed is a decision in a list.
type listed struct {
	Page, Title, Lang string
	Line              string
	By, Collective    string
	State             record.State
}

// listPage is what is open and what was decided.
type listPage struct {
	Open, Decided []listed
	Feed, Dates   string
}

func (v views) list(r *http.Request) (page listPage, err error) {
	p := v.site.Printer(r)
	all, err := v.Decisions.List(r.Context(), most)
	for _, d := range all {
		one := v.listed(p, d, pageOf(d.ID))
		if open(d) {
			page.Open = append(page.Open, one)
		} else {
			page.Decided = append(page.Decided, one)
		}
	}
	page.Feed, page.Dates = feedPath+"?lang="+p.Lang, datesPath+"?lang="+p.Lang
	return page, err
}

// open says that something can still be said or voted.
func open(d decision.Summary) bool {
	return d.Phase != tally.PhaseCounted && d.Result != tally.Replaced && d.Rival == ""
}

func (v views) listed(p *words.Printer, d decision.Summary, page string) listed {
	r, now := v.brief(d), v.now()
	one := listed{Page: page, Title: record.Clean(d.Title), Lang: d.Lang, Line: r.Line(p, now), By: string(d.By), Collective: record.Clean(d.Collective), State: r.State(p, now)}
	if d.Removed {
		one.Title, one.Lang = p.T("assembly.record.withdrawn_title", nil), ""
	}
	return one
}

// onePage is one decision.
type onePage struct {
	Title, Lang string
	Article     template.HTML
	Page        string
}

// found is the decision that a request names, and its record.
func (v views) found(r *http.Request) (d decision.View, out record.Record, err error) {
	if d, err = v.Decisions.View(r.Context(), r.PathValue("id")); err != nil {
		return d, out, err
	}
	return d, v.whole(r.Context(), v.site.Printer(r), &d), nil
}

func (v views) one(r *http.Request) (page onePage, err error) {
	d, rec, err := v.found(r)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = onePage{Title: v.listed(p, d.Summary, "").Title, Lang: d.Lang, Page: pageOf(d.ID)}
	page.Article, err = v.write.Article(rec, p.Lang, v.now())
	return page, err
}

// aMinute is how long anybody may keep a file of ours.
const aMinute = "public, max-age=60"

// answer sends a file in a language to anybody, or the page of an error.
func (v views) answer(w http.ResponseWriter, r *http.Request, kind string, write func(p *words.Printer) ([]byte, error)) {
	v.site.Answer(w, r, kind, aMinute, write)
}

func (v views) minutes(w http.ResponseWriter, r *http.Request) {
	v.answer(w, r, "text/html; charset=utf-8", func(p *words.Printer) ([]byte, error) {
		_, rec, err := v.found(r)
		if err != nil {
			return nil, err
		}
		w.Header().Set("Content-Security-Policy", v.write.Policy())
		return v.write.Minutes(rec, p.Lang, v.now())
	})
}

func (v views) markdown(w http.ResponseWriter, r *http.Request) {
	v.answer(w, r, "text/markdown; charset=utf-8", func(p *words.Printer) ([]byte, error) {
		_, rec, err := v.found(r)
		if err != nil {
			return nil, err
		}
		text, err := v.write.Markdown(rec, p.Lang, v.now())
		return []byte(text), err
	})
}

func (v views) feed(w http.ResponseWriter, r *http.Request) {
	v.answer(w, r, atom.Type, func(p *words.Printer) ([]byte, error) {
		list, err := v.records(r)
		if err != nil {
			return nil, err
		}
		return v.write.Atom(v.where(), list, p.Lang, v.now())
	})
}

func (v views) dates(w http.ResponseWriter, r *http.Request) {
	v.answer(w, r, record.CalendarType, func(p *words.Printer) ([]byte, error) {
		list, err := v.records(r)
		return v.write.Calendar(v.where(), list, p.Lang, v.now()), err
	})
}

func (v Needs) where() record.Site {
	return record.Site{Self: v.Self, Page: v.URL + Path, Feed: v.URL + feedPath}
}

func (v Needs) records(r *http.Request) ([]record.Record, error) {
	all, err := v.Decisions.List(r.Context(), most)
	out := make([]record.Record, 0, len(all))
	for _, d := range all {
		out = append(out, v.brief(d))
	}
	return out, err
}

// field is a question of a form with what was typed.
func field(r *http.Request, f web.Field) web.Field {
	if r.PostForm.Has(f.Name) {
		f.Value = r.PostForm.Get(f.Name)
	}
	return f
}
