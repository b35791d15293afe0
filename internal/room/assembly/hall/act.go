package hall

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/record"
	"entrechat/internal/room/assembly/tally"
)

// actPage is one thing that an admin does.
type actPage struct {
	Act, ID, Title, Lang string
	Heading, Lead, Note  string
	Choices              []pick // one of several, by radio buttons
	Name                 string // of the radio buttons
	Grades               []gradeRow
	Marks                []string // the grades in words, the best first
	Fields               []web.Field
	Button               string
	// Saw is the vote that is approved, as it stands on the page.
	Saw string
	// ObjectFirst leads to where one says the harm, for who would vote "object".
	ObjectFirst string
}

// pick is one line of radio buttons.
type pick struct {
	Value, Says, Hint string
	Chosen            bool
}

// gradeRow is an option and its six radio buttons, the best first.
type gradeRow struct {
	Name, Letter, Text string
	Marks              []mark
}

type mark struct {
	Value, Label, Says string // Says is for who hears the page
	Chosen             bool
}

func (v views) act(r *http.Request) (page actPage, err error) {
	d, name, err := v.acting(r)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = actPage{
		Act: name, ID: d.ID, Title: v.listed(p, d.Summary, "").Title, Lang: d.Lang,
		Heading: p.T("assembly.hall.do_"+name, nil), Lead: p.T("assembly.hall.hint_"+name, nil), Button: p.T("assembly.hall.button_"+name, nil),
	}
	switch name {
	case "vote":
		v.ballot(r, p, &d, &page)
	case "approve":
		page.Lead = p.T("assembly.hall.approve_lead", map[string]any{"Who": whose(p, d.Own.WaitsBy)})
		page.Note = p.T("assembly.hall.approve_choice", map[string]any{"Choice": says(p, d.Own.Waits)})
		page.Saw = d.Own.Waits.String()
	case "object":
		object(r, p, &d, &page)
	case "remark":
		page.Fields = []web.Field{field(r, web.Field{Name: "text", Label: "assembly.hall.remark", Hint: "assembly.hall.remark_hint", Rows: 8, Required: true})}
	case "review":
		page.Name = "word"
		for _, w := range []decision.Word{decision.Keep, decision.Change, decision.Drop} {
			page.Choices = append(page.Choices, pick{string(w), p.T("assembly.record.review_"+string(w), nil), p.T("assembly.hall.review_"+string(w), nil), r.PostForm.Get("word") == string(w)})
		}
	case "withdraw":
		page.Name = "doc"
		for _, one := range ours(&d, v.Self) {
			page.Choices = append(page.Choices, pick{one.id, p.T(one.key, nil), record.Clean(brief(one.text)), r.FormValue("doc") == one.id})
		}
	}
	_, known, err := v.who(r)
	if d.Can.FourEyes && !known && (name == "vote" || name == "approve") {
		page.Fields = append(page.Fields, field(r, web.Field{Name: "who", Label: "assembly.hall.who", Hint: "assembly.hall.who_hint", Required: true, Complete: "name"}))
	}
	return page, err
}

// byAccount begins the name of who acts by an account.
const byAccount = "account "

// who is the admin that acts: the account that is signed in, whatever is typed; else, for who came
// by a link of the command line, the name that was typed, and known is false.
func (v Needs) who(r *http.Request) (name string, known bool, err error) {
	if v.Account != nil {
		id, ok, err := v.Account(r)
		if err != nil || ok {
			return byAccount + id, ok, err
		}
	}
	return strings.TrimPrefix(strings.TrimSpace(r.PostForm.Get("who")), byAccount), false, nil
}

// whose is who cast a vote, as a page names them.
func whose(p *words.Printer, who string) string {
	if strings.HasPrefix(who, byAccount) {
		return p.T("assembly.hall.an_admin", nil)
	}
	return record.Clean(who)
}

// acting is the decision and the thing that a request is about. Returns CodeConflict for what
// cannot be done now.
func (v views) acting(r *http.Request) (d decision.View, name string, err error) {
	name = r.PathValue("act")
	if !slices.Contains([]string{"vote", "approve", "object", "lift", "remark", "review", "withdraw"}, name) {
		return d, name, core.NotFound("web.no_page", errNoAct)
	}
	if d, err = v.Decisions.View(r.Context(), r.PathValue("id")); err != nil {
		return d, name, err
	}
	if !slices.Contains(acts(&d, v.Self), name) {
		return d, name, core.Conflict("assembly.hall.not_now", errNoAct)
	}
	return d, name, nil
}

// ballot fills in what can be voted. What our last ballot says is chosen.
func (v views) ballot(r *http.Request, p *words.Printer, d *decision.View, page *actPage) {
	if d.Kind == tally.KindConsent {
		chosen := string(d.Own.Choice.Stance)
		if r.Form.Has("stance") {
			chosen = r.Form.Get("stance")
		} else if r.URL.Query().Get("stance") == string(tally.Object) {
			chosen = string(tally.Object)
		}
		page.Name = "stance"
		for _, s := range []tally.Stance{tally.Agree, tally.Concern, tally.Aside, tally.Object} {
			if s == tally.Object && d.Own.Objection == "" {
				page.ObjectFirst = AdminPath + "/" + d.ID + "/object"
				continue
			}
			page.Choices = append(page.Choices, pick{string(s), p.T("assembly.hall.own_"+string(s), nil), p.T("assembly.hall.means_"+string(s), nil), chosen == string(s)})
		}
		return
	}
	page.Lead = p.T("assembly.hall.hint_grades", nil)
	for g := tally.MaxGrade; g >= 0; g-- {
		page.Marks = append(page.Marks, strconv.Itoa(g)+" "+p.T("assembly.record.grade_"+strconv.Itoa(g), nil))
	}
	for i, text := range d.Options {
		row := gradeRow{Name: "g" + strconv.Itoa(i), Letter: record.Letter(i), Text: record.Clean(text)}
		for g := tally.MaxGrade; g >= 0; g-- {
			value := strconv.Itoa(g)
			says := p.T("assembly.record.pair", map[string]any{"Name": row.Text, "Says": value + " " + p.T("assembly.record.grade_"+value, nil)})
			chosen := i < len(d.Own.Choice.Grades) && d.Own.Choice.Grades[i] == g
			if r.PostForm.Has(row.Name) {
				chosen = r.PostForm.Get(row.Name) == value
			}
			row.Marks = append(row.Marks, mark{value, value, says, chosen})
		}
		page.Grades = append(page.Grades, row)
	}
}

// object fills in what an objection has to say.
func object(r *http.Request, p *words.Printer, d *decision.View, page *actPage) {
	if d.Can.ObjectElectorate {
		page.Name = "about"
		for _, about := range []motion.About{motion.AboutText, motion.AboutElectorate} {
			chosen := r.PostForm.Get("about") == string(about) || about == motion.AboutText && r.PostForm.Get("about") == ""
			page.Choices = append(page.Choices, pick{string(about), p.T("assembly.hall.about_"+string(about), nil), p.T("assembly.hall.about_hint_"+string(about), nil), chosen})
		}
	}
	page.Fields = []web.Field{
		field(r, web.Field{Name: "harm", Label: "assembly.record.harm", Hint: "assembly.hall.harm_hint", Rows: 3, Required: true}),
		field(r, web.Field{Name: "whom", Label: "assembly.record.whom", Hint: "assembly.hall.whom_hint", Rows: 2, Required: true}),
		field(r, web.Field{Name: "lift", Label: "assembly.record.lift", Hint: "assembly.hall.lift_hint", Rows: 3, Required: true}),
	}
}

// ownText is a text of ours that is still there.
type ownText struct{ id, key, text string }

// ours are the texts of ours that can be taken back.
func ours(d *decision.View, self core.MemberID) (out []ownText) {
	if d.Can.Withdraw {
		out = append(out, ownText{d.ID, "assembly.hall.doc_proposal", d.Title})
	}
	if !d.Own.Elector {
		return out
	}
	for _, o := range d.Objections {
		if o.By == self && !o.Removed {
			out = append(out, ownText{o.ID, "assembly.hall.doc_objection", o.Harm})
		}
	}
	for _, m := range d.Remarks {
		if m.By == self && !m.Removed {
			out = append(out, ownText{m.ID, "assembly.hall.doc_remark", m.Text})
		}
	}
	return out
}

// brief is the beginning of a text.
func brief(text string) string {
	const most = 100
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

func (v views) actDo(r *http.Request) (string, error) {
	d, name, err := v.acting(r)
	if err != nil {
		return "", err
	}
	f, ctx, here := r.PostForm, r.Context(), AdminPath+"/"+d.ID
	who, _, err := v.who(r)
	if err != nil {
		return "", err
	}
	switch name {
	case "vote":
		c, err := ballotOf(r, &d)
		if err == nil {
			_, err = v.Decisions.Vote(ctx, d.ID, c, who)
		}
		return here, err
	case "approve":
		if saw := f.Get("saw"); saw != "" && saw != d.Own.Waits.String() {
			return "", core.Conflict("assembly.hall.vote_changed", errors.New("another vote waits now"))
		}
		return here, v.Decisions.Approve(ctx, d.ID, who)
	case "object":
		_, err := v.Decisions.Object(ctx, d.ID, decision.Harm{About: motion.About(f.Get("about")), Harm: f.Get("harm"), Whom: f.Get("whom"), Lift: f.Get("lift")})
		if err == nil && d.Can.Vote {
			here += "/vote?stance=object"
		}
		return here, err
	case "lift":
		return here, v.Decisions.Lift(ctx, d.ID)
	case "remark":
		_, err := v.Decisions.Say(ctx, d.ID, f.Get("text"))
		return here, err
	case "review":
		return here, v.Decisions.Review(ctx, d.ID, decision.Word(f.Get("word")))
	}
	for _, one := range ours(&d, v.Self) {
		if one.id == f.Get("doc") {
			return here, v.Decisions.Withdraw(ctx, one.id)
		}
	}
	return "", core.Invalid("assembly.hall.which", errNoAct)
}

// ballotOf reads what was chosen. Returns CodeInvalid where something is left out.
func ballotOf(r *http.Request, d *decision.View) (c tally.Choice, err error) {
	if d.Kind == tally.KindConsent {
		if c.Stance = tally.Stance(r.PostForm.Get("stance")); c.Stance == "" {
			return c, core.Invalid("assembly.hall.which", errNoAct)
		}
		return c, nil
	}
	for i := range d.Options {
		g, err := strconv.Atoi(r.PostForm.Get("g" + strconv.Itoa(i)))
		if err != nil || g < 0 || g > tally.MaxGrade {
			return c, core.Invalid("assembly.hall.grade_each", errNoAct)
		}
		c.Grades = append(c.Grades, g)
	}
	return c, nil
}
