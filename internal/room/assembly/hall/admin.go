package hall

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/record"
	"entrechat/internal/room/assembly/tally"
)

func (v views) adminRoutes() []web.Route {
	list := web.NewPage[adminPage](v.site, pages, "pages/admin.html", "pages/parts.html")
	one := web.NewPage[adminOne](v.site, pages, "pages/admin_one.html")
	act := web.NewPage[actPage](v.site, pages, "pages/act.html")
	return []web.Route{
		{Pattern: "GET " + AdminPath, Handler: list.Show(v.admin)},
		{Pattern: "GET " + AdminPath + "/{id}", Handler: one.Show(v.adminOne)},
		{Pattern: AdminPath + "/{id}/{act}", Handler: act.Form(v.act, v.actDo)},
	}
}

// adminPage is what waits for us, and the rest.
type adminPage struct {
	Waits, Open, Decided []listed
	Collectives          bool // we follow one
}

func (v views) admin(r *http.Request) (page adminPage, err error) {
	p := v.site.Printer(r)
	all, err := v.Decisions.List(r.Context(), most)
	if err != nil {
		return page, err
	}
	for _, d := range all {
		one := v.listed(p, d, AdminPath+"/"+d.ID)
		first, err := v.waits(r, d)
		if err != nil {
			return page, err
		}
		switch {
		case first != "":
			one.State = record.State{Severity: web.Warn, Says: p.T("assembly.hall.waits_"+first, nil)}
			page.Waits = append(page.Waits, one)
		case open(d):
			page.Open = append(page.Open, one)
		default:
			page.Decided = append(page.Decided, one)
		}
	}
	followed, err := v.Followed(r.Context())
	page.Collectives = len(followed) > 0
	return page, err
}

// waits is what a decision waits for from us: vote, approve, review; empty = nothing.
func (v views) waits(r *http.Request, d decision.Summary) (string, error) {
	asked := d.Standing == decision.ReviewDue || d.Standing == decision.Contested
	if d.Phase != tally.PhaseCommit && !asked {
		return "", nil
	}
	whole, err := v.Decisions.View(r.Context(), d.ID)
	switch {
	case err != nil:
		return "", err
	case whole.Can.Approve:
		return "approve", nil
	case d.Await && whole.Can.Vote:
		return "vote", nil
	case asked && whole.Can.Review && !said(whole.Reviews, v.Self):
		return "review", nil
	}
	return "", nil
}

func said(words []decision.ReviewView, who core.MemberID) bool {
	for _, w := range words {
		if w.Member == who {
			return true
		}
	}
	return false
}

// action is something that an admin can do, on a page of its own.
type action struct{ Page, Says, Hint string }

// adminOne is a decision as our admins see it.
type adminOne struct {
	ID, Title, Lang, Public string
	First                   action // what is asked of us; empty Page = nothing
	Others                  []action
	Elector                 bool
	Own                     []string // what we voted, as sentences
	Pending                 bool
	Article                 template.HTML
}

func (v views) adminOne(r *http.Request) (page adminOne, err error) {
	d, rec, err := v.found(r)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = adminOne{ID: d.ID, Title: v.listed(p, d.Summary, "").Title, Lang: d.Lang, Public: pageOf(d.ID), Elector: d.Own.Elector, Pending: d.Own.Pending}
	page.First, page.Others = actions(p, &d, v.Self)
	page.Own = own(p, &d)
	page.Article, err = v.write.Article(rec, p.Lang, v.now())
	return page, err
}

// acts are the pages of their own, in the order they are offered.
func acts(d *decision.View, self core.MemberID) (out []string) {
	c := d.Can
	for _, one := range []struct {
		name string
		can  bool
	}{
		{"approve", c.Approve},
		{"vote", c.Vote},
		{"review", c.Review},
		{"lift", c.Lift},
		{"object", c.Object},
		{"remark", c.Say},
		{"version", c.Revise},
		{"fallback", c.Fallback},
		{"withdraw", len(ours(d, self)) > 0},
	} {
		if one.can {
			out = append(out, one.name)
		}
	}
	return out
}

// actions are what can be done; the first is what is asked of us now.
func actions(p *words.Printer, d *decision.View, self core.MemberID) (first action, others []action) {
	for _, name := range acts(d, self) {
		one := action{AdminPath + "/" + d.ID + "/" + name, p.T("assembly.hall.do_"+name, nil), p.T("assembly.hall.hint_"+name, nil)}
		switch name {
		case "version":
			one.Page = NewPath + "?replaces=" + d.ID
		case "fallback":
			one.Page = NewPath + "?fallback=1&replaces=" + d.ID
		}
		asked := name == "approve" || name == "vote" && d.Await || name == "review"
		if name == "vote" && !d.Await {
			one.Says = p.T("assembly.hall.do_again", nil)
		}
		if asked && first.Page == "" {
			first = one
		} else {
			others = append(others, one)
		}
	}
	return first, others
}

// own says what we voted, and what becomes of it.
func own(p *words.Printer, d *decision.View) (out []string) {
	if d.Own.WaitsBy != "" && d.Phase == tally.PhaseCommit {
		out = append(out, p.T("assembly.hall.own_waits", map[string]any{"Who": whose(p, d.Own.WaitsBy), "Until": d.CommitUntil}))
	}
	if d.Own.Cast && d.Count == nil {
		out = append(out, p.T("assembly.hall.own_sealed", map[string]any{"Choice": says(p, d.Own.Choice), "Opens": d.CommitUntil.Add(d.CountedAt.Sub(d.RevealUntil)), "Count": d.CountedAt}))
		if d.Can.Vote {
			out = append(out, p.T("assembly.hall.own_again", map[string]any{"Until": d.CommitUntil}))
		}
	}
	return out
}

// says is what a ballot of ours says.
func says(p *words.Printer, c tally.Choice) string {
	switch {
	case len(c.Grades) == 0 && c.Stance == "":
		return p.T("assembly.hall.own_unknown", nil)
	case len(c.Grades) == 0:
		return p.T("assembly.hall.own_"+string(c.Stance), nil)
	}
	all := make([]string, len(c.Grades))
	for i, g := range c.Grades {
		all[i] = p.T("assembly.record.pair", map[string]any{"Name": record.Letter(i), "Says": p.T("assembly.record.grade_"+strconv.Itoa(g), nil)})
	}
	return strings.Join(all, ", ")
}

var errNoAct = errors.New("no such page, or not now")
