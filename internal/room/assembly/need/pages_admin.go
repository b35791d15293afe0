package need

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/stranger"
)

// AdminPath is where admins let needs through and answer them.
const AdminPath = "/admin/needs"

func (v views) adminRoutes() []web.Route {
	list := web.NewPage[adminPage](v.site, pages, "pages/admin.html")
	one := web.NewPage[onePage](v.site, pages, "pages/admin_one.html", "pages/parts.html")
	return []web.Route{
		{Pattern: "GET " + AdminPath, Handler: list.Show(v.admin)},
		{Pattern: AdminPath + "/{id}", Handler: one.Form(v.one, v.oneDo)},
	}
}

// listed is a need in a list of the admins.
type listed struct {
	ID, Goal, State string
	Days            int
	Voices          int64
	Severity        web.Severity
}

// adminPage is what waits, what is published and what was refused.
type adminPage struct{ Waiting, Open, Answered, Refused []listed }

func (v views) admin(r *http.Request) (page adminPage, err error) {
	ctx, p := r.Context(), v.site.Printer(r)
	waiting, err := v.List(ctx, Waiting, MaxWaiting, 0)
	if err != nil {
		return page, err
	}
	open, err := byHeard(ctx, v.n.DB, false, MaxWaiting)
	if err != nil {
		return page, err
	}
	answered, err := byHeard(ctx, v.n.DB, true, MaxWaiting)
	if err != nil {
		return page, err
	}
	refused, err := v.List(ctx, Refused, MaxWaiting, 0)
	if err != nil {
		return page, err
	}
	if err := errors.Join(fill(ctx, v.n.DB, open), fill(ctx, v.n.DB, answered)); err != nil {
		return page, err
	}
	page = adminPage{Waiting: v.listed(p, waiting), Open: v.listed(p, open), Answered: v.listed(p, answered), Refused: v.listed(p, refused)}
	return page, nil
}

// listed are needs as the list shows them.
func (v views) listed(p *words.Printer, list []Need) []listed {
	out := make([]listed, 0, len(list))
	for _, n := range list {
		goal, _ := n.words()
		one := listed{ID: n.ID, Goal: short(goal), Days: int(v.now().Sub(n.Made) / day), Voices: n.Voices, Severity: web.None}
		switch {
		case n.State != "":
			one.State, one.Severity = p.T("assembly.need.short_"+string(n.State), nil), web.Fine
		case n.Unanswered(v.now()) >= Late:
			one.Severity = web.Warn
		}
		out = append(out, one)
	}
	return out
}

// onePage is one need, and what can be done with it.
type onePage struct {
	Need
	Shown                   shown
	Goal, Obstacle          web.Field
	Reason                  web.Field
	State, Text             web.Field
	Month, Link, Member     web.Field
	Into                    web.Field
	CanMerge, CanAnswer     bool
	Merged                  []listed // what was merged into it
	Typed, TypedObs         string
	IsWaiting, IsRefused    bool
	AddressState, IntoTitle string
	Same                    []sameLine
	Their                   web.Field // what of others may be the same
	CanTell                 bool
	Propose                 string // where the collective is asked; empty = nowhere
	Proposal                string // where that stands; empty = it was not asked
}

func (v views) one(r *http.Request) (page onePage, err error) {
	n, err := v.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = onePage{Need: n, Shown: v.shown(p, n), Typed: n.Goal, TypedObs: n.Obstacle, IsWaiting: n.Standing == Waiting, IsRefused: n.Standing == Refused}
	page.AddressState = "none"
	switch {
	case n.HasAddress && n.Confirmed != 0:
		page.AddressState = "confirmed"
	case n.HasAddress:
		page.AddressState = "asked"
	}
	goal, obstacle := n.words()
	typed := func(name, kept string) string {
		if r.PostForm.Has(name) {
			return r.PostForm.Get(name)
		}
		return kept
	}
	page.Goal = web.Field{Name: "goal", Label: "assembly.need.goal", Rows: 4, Required: true, Value: typed("goal", goal)}
	page.Obstacle = web.Field{Name: "obstacle", Label: "assembly.need.obstacle", Rows: 4, Value: typed("obstacle", obstacle)}
	page.Reason = web.Field{Name: "reason", Label: "assembly.need.reason", Hint: "assembly.need.reason_hint", Rows: 3, Required: true, Value: typed("reason", "")}
	page.State = web.Field{Name: "state", Label: "assembly.need.state", Required: true}
	for _, s := range States() {
		page.State.Options = append(page.State.Options, web.Option{Value: string(s), Text: p.T("assembly.need.short_"+string(s), nil), Chosen: r.PostFormValue("state") == string(s)})
	}
	page.Text = web.Field{Name: "text", Label: "assembly.need.text", Hint: "assembly.need.text_hint", Rows: 4, Value: typed("text", "")}
	page.Month = web.Field{Name: "month", Label: "assembly.need.month", Hint: "assembly.need.month_hint", Value: typed("month", "")}
	page.Link = web.Field{Name: "link", Label: "assembly.need.link", Hint: "assembly.need.link_hint", Kind: "url", Value: typed("link", "")}
	page.Member = web.Field{Name: "member", Label: "assembly.need.member", Hint: "assembly.need.member_hint", Value: typed("member", "")}
	return page, errors.Join(v.merging(r, &page), v.others(r, &page))
}

// merging fills in what a need can be merged into, and what was merged into it.
func (v views) merging(r *http.Request, page *onePage) error {
	below, err := mergedInto(r.Context(), v.n.DB, page.ID)
	if err != nil {
		return err
	}
	for _, n := range below {
		page.Merged = append(page.Merged, listed{ID: n.ID, Goal: short(n.ShownGoal)})
	}
	page.CanAnswer = page.Standing == Published && page.MergedInto == ""
	if page.CanAnswer && v.n.Propose != nil {
		proposals, err := v.proposals(r)
		if err != nil {
			return err
		}
		page.Propose, page.Proposal = v.n.Propose(page.ID), proposals[page.ID]
	}
	if page.MergedInto != "" {
		into, err := get(r.Context(), v.n.DB, page.MergedInto)
		page.IntoTitle = into.ShownGoal
		return err
	}
	if !page.CanAnswer || len(below) > 0 {
		return nil
	}
	others, err := byStanding(r.Context(), v.n.DB, Published, MaxWaiting, 0)
	page.Into = web.Field{Name: "into", Label: "assembly.need.into", Required: true}
	for _, n := range others {
		if n.ID != page.ID {
			page.Into.Options = append(page.Into.Options, web.Option{Value: n.ID, Text: short(n.ShownGoal)})
		}
	}
	page.CanMerge = len(page.Into.Options) > 0
	return err
}

// sameLine is a need of a member that is the same as ours.
type sameLine struct{ Member, Goal, State, Value string }

func (v views) sameLine(p *words.Printer, t Their) sameLine {
	one := sameLine{Member: string(t.Member), Goal: short(t.Goal), State: p.T("assembly.need.standing_published", nil), Value: string(t.Member) + "/" + t.ID}
	if t.State != "" {
		one.State = p.T("assembly.need.short_"+string(t.State), nil)
	}
	return one
}

// others fills in what is the same at other members, and what may be.
func (v views) others(r *http.Request, page *onePage) error {
	if page.Standing != Published {
		return nil
	}
	p := v.site.Printer(r)
	around, err := v.x.Around(r.Context(), page.Need)
	if err != nil {
		return err
	}
	for _, t := range around.Same {
		page.Same = append(page.Same, v.sameLine(p, t))
	}
	list, err := v.x.Theirs(r.Context(), 500)
	page.Their = web.Field{Name: "their", Label: "assembly.need.their", Required: true}
	for _, t := range list {
		if line := v.sameLine(p, t); !slices.Contains(page.Same, line) {
			page.Their.Options = append(page.Their.Options, web.Option{Value: line.Value, Text: line.Member + " : " + line.Goal})
		}
	}
	page.CanTell = len(page.Their.Options) > 0
	return err
}

// short is the first line of a text, as a list shows it.
func short(text string) string {
	line, rest, _ := strings.Cut(stranger.Tidy(text), "\n")
	r := []rune(line)
	if rest != "" && len(r) <= 80 {
		return line + " …"
	}
	if len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return line
}

func (v views) oneDo(r *http.Request) (string, error) {
	id, f, ctx := r.PathValue("id"), r.PostForm, r.Context()
	here := AdminPath + "/" + id
	var err error
	switch f.Get("do") {
	case "publish":
		_, err = v.Publish(ctx, id, f.Get("goal"), f.Get("obstacle"))
	case "refuse":
		_, err = v.Refuse(ctx, id, f.Get("reason"))
		here = AdminPath
	case "answer":
		_, err = v.Answer(ctx, id, Answer{
			State: State(f.Get("state")), Text: f.Get("text"), Month: stranger.Tidy(f.Get("month")), Link: f.Get("link"), Member: core.MemberID(stranger.Tidy(f.Get("member"))),
		})
	case "merge":
		_, err = v.Merge(ctx, id, f.Get("into"))
	case "same", "differ":
		member, their, _ := strings.Cut(f.Get("their"), "/")
		if f.Get("do") == "same" {
			err = v.x.Same(ctx, id, core.MemberID(member), their)
		} else {
			err = v.x.Differ(ctx, id, core.MemberID(member), their)
		}
	case "split":
		_, err = v.Split(ctx, id)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return here, err
}
