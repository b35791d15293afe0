package record

import (
	"html/template"
	"slices"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// view is a record with everything said in one language.
type view struct {
	Lang, Title, TextLang, ID, Line, Withdrawn, Hidden string
	State                                              State
	Style                                              template.CSS
	Warnings, Options                                  []string
	Origins                                            []Origin
	Review                                             State // empty Says = nothing to say
	Facts                                              []fact
	Text                                               template.HTML
	Timeline, Voters                                   template.HTML
	Versions                                           []versionView
	Objections                                         []objectionView
	Remarks                                            []remarkView
	Electors, Absent, Reviews                          []named
	Awake                                              int
	Count                                              *countView
}

// fact is one line of what is known at a glance.
type fact struct{ Name, Says string }

// named is a member, or a name, and what is said of it.
type named struct {
	Name, Says string
	Severity   web.Severity
}

type versionView struct {
	Number           int64
	Title, Day, Page string
	Here             bool
}

type objectionView struct {
	By, Lang, About  string
	State            State
	Withdrawn        bool
	Harm, Whom, Lift template.HTML
	At               core.Moment
	Day              string
}

type remarkView struct {
	By, Lang, Day   string
	Withdrawn, Late bool
	Text            template.HTML
	At              core.Moment
}

// countView is what came out.
type countView struct {
	Result         State
	Quorum, Alike  string
	Hash           string
	Facts          []fact
	Bars           []bar
	Voters         template.HTML
	Useless        bool // a ballot counts for the quorum only
	Lines          []lineView
	Grades         bool // the lines have grades
	Columns        []string
	Differ         []differView
	Facilitator    core.MemberID
	Standing, Free string
}

type lineView struct {
	named
	Grades []string
}

type differView struct {
	Member    core.MemberID
	Its, Ours string
	Outcome   string
}

// bar is the picture of one option, or of all stances, and its name.
type bar struct {
	Name, Says string
	Place      int // 1 = the best; 0 = no order
	Picture    template.HTML
}

func (w *Writer) view(r *Record, p *words.Printer, now core.Moment) (view, error) {
	v := view{
		Lang: p.Lang, Title: Clean(r.Title), TextLang: lang(r.Lang), ID: Clean(r.ID), Line: r.Line(p, now), State: r.State(p, now),
		Text: w.md.HTML(scrub(r.Text)), Facts: r.facts(p),
	}
	if r.Withdrawn {
		v.Title, v.Text, v.Withdrawn = p.T("assembly.record.withdrawn_title", nil), "", p.T("assembly.record.withdrawn", nil)
	} else {
		for _, o := range r.Options {
			v.Options = append(v.Options, Clean(o))
		}
	}
	v.Warnings = r.warnings(p)
	for _, o := range r.Origins {
		v.Origins = append(v.Origins, Origin{Clean(o.Says), o.Page})
	}
	if phase := r.Times.Phase(now); r.Kind != Lazy && (phase == Commit || phase == Reveal) {
		v.Hidden = p.T("assembly.record.hidden", args{"Date": p.Date(r.Times.Due())})
	}
	v.Review.Says, v.Review.Severity = r.reviewed(p, now)
	for _, one := range r.Reviews {
		v.Reviews = append(v.Reviews, named{string(one.Member), p.T("assembly.record.review_"+word(one.Word), nil), web.None})
	}
	w.said(r, p, &v)
	r.who(p, now, &v)
	var err error
	if v.Timeline, err = w.timeline(r, p, now); err != nil {
		return v, err
	}
	if v.Voters, err = w.voters(r, p, now); err != nil {
		return v, err
	}
	if c := r.counted(now); c != nil {
		if v.Count, err = w.count(r, c, p); err == nil {
			v.Count.Voters = v.Voters
		}
	}
	return v, err
}

// lang is a language tag as HTML takes it; anything else is empty.
func lang(tag string) string {
	if len(tag) < 2 || len(tag) > 8 {
		return ""
	}
	for _, c := range tag {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return ""
		}
	}
	return tag
}

// word is a word of a review; anything else is said to be none.
func word(w string) string {
	if slices.Contains([]string{"keep", "change", "drop"}, w) {
		return w
	}
	return "none"
}

func (r *Record) facts(p *words.Printer) []fact {
	kind := p.T("assembly.record.kind_"+r.kind(), nil)
	if r.Fallback {
		kind += ", " + p.T("assembly.record.fallback_short", nil)
	}
	all := []fact{
		{p.T("assembly.record.fact_collective", nil), Clean(r.Collective)},
		{p.T("assembly.record.fact_by", nil), string(r.By)},
		{p.T("assembly.record.fact_kind", nil), kind},
		{p.T("assembly.record.fact_version", nil), p.T("assembly.record.version_of", args{"Number": int(r.Version), "Day": p.Day(r.Times.Opened)})},
	}
	if r.Review != "" {
		all = append(all, fact{p.T("assembly.record.fact_review", nil), dayOf(p, r.Review)})
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Says == "" })
}

// kind is one that there is: consent for any other.
func (r *Record) kind() string {
	if slices.Contains([]string{Consent, Choice, Lazy, Poll}, r.Kind) {
		return r.Kind
	}
	return Consent
}

func (r *Record) warnings(p *words.Printer) (all []string) {
	if r.Hurried {
		all = append(all, p.T("assembly.record.hurried", nil))
	}
	if r.Fallback {
		all = append(all, p.T("assembly.record.fallback", nil))
	}
	if r.Kind == Poll {
		all = append(all, p.T("assembly.record.poll_binds_nobody", nil))
	}
	for _, w := range r.Warnings {
		all = append(all, Clean(w))
	}
	return all
}

// said fills in what members said: versions, objections, remarks.
func (w *Writer) said(r *Record, p *words.Printer, v *view) {
	for _, one := range r.Versions {
		v.Versions = append(v.Versions, versionView{one.Number, Clean(one.Title), p.Day(one.Opened), one.Page, one.ID == r.ID})
	}
	for _, o := range r.Objections {
		one := objectionView{By: string(o.By), Lang: lang(o.Lang), Withdrawn: o.Withdrawn, At: o.At, Day: p.Day(o.At), State: State{web.Trouble, p.T("assembly.record.objection_stands", nil)}}
		switch {
		case o.Lifted != 0:
			one.State = State{web.Fine, p.T("assembly.record.objection_lifted", args{"Day": p.Day(o.Lifted)})}
		case o.Late:
			one.State = State{web.None, p.T("assembly.record.late", nil)}
		}
		if o.Electorate {
			one.About = p.T("assembly.record.about_electorate", nil)
		}
		if !o.Withdrawn {
			one.Harm, one.Whom, one.Lift = w.md.HTML(scrub(o.Harm)), w.md.HTML(scrub(o.Whom)), w.md.HTML(scrub(o.Lift))
		}
		v.Objections = append(v.Objections, one)
	}
	for _, m := range r.Remarks {
		one := remarkView{By: string(m.By), Lang: lang(m.Lang), Day: p.Day(m.At), At: m.At, Withdrawn: m.Withdrawn, Late: m.Late}
		if !m.Withdrawn {
			one.Text = w.md.HTML(scrub(m.Text))
		}
		v.Remarks = append(v.Remarks, one)
	}
}

// who fills in who decides, and who does not.
func (r *Record) who(p *words.Printer, now core.Moment, v *view) {
	phase := r.Times.Phase(now)
	for _, e := range r.Electorate {
		one := named{Name: string(e.Member), Severity: web.None}
		if !e.Sleeping {
			v.Awake++
		}
		if r.Kind != Lazy && (phase == Commit || phase == Reveal) {
			one.Says = p.T("assembly.record.ballot_"+e.Ballot.name(), nil)
			if e.Ballot != NoBallot {
				one.Severity = web.Fine
			}
		}
		if e.Sleeping {
			one.Says = join(one.Says, p.T("assembly.record.sleeping", nil))
		}
		one.Says = join(one.Says, Clean(e.Note))
		v.Electors = append(v.Electors, one)
	}
	for _, a := range r.Absent {
		v.Absent = append(v.Absent, named{string(a.Member), Clean(a.Why), web.None})
	}
}

func (b Ballot) name() string {
	if b == Sealed || b == Opened {
		return string(b)
	}
	return "none"
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " · " + b
}

// count fills in what came out.
func (w *Writer) count(r *Record, c *Count, p *words.Printer) (*countView, error) {
	v := &countView{
		Result: State{severity(c.Result), p.T("assembly.record.result_"+c.Result, nil)}, Hash: Clean(c.Hash), Grades: r.isChoice(),
		Facilitator: c.Facilitator, Standing: names(c.Standing), Free: names(c.Free),
	}
	v.Quorum = p.T("assembly.record.turnout", args{"Turnout": c.Turnout, "N": c.N})
	if c.Quorum > 0 {
		v.Quorum = p.T("assembly.record.quorum", args{"Turnout": c.Turnout, "N": c.N, "Quorum": c.Quorum})
	}
	if told := len(c.Alike) + len(c.Differ); told > 0 {
		v.Alike = p.T("assembly.record.alike", args{"Alike": len(c.Alike), "Told": told})
	}
	for _, d := range c.Differ {
		v.Differ = append(v.Differ, differView{d.Member, Clean(d.Its), Clean(d.Ours), Clean(d.ItsOutcome)})
	}
	for _, l := range c.Lines {
		v.Useless = v.Useless || l.Status == "unopened" || l.Status == "bad"
		one := lineView{named: named{string(l.Member), join(l.what(p), Clean(l.Why)), l.severity()}}
		if r.isChoice() && l.Status == "open" {
			for _, g := range l.Grades {
				one.Grades = append(one.Grades, gradeShort(p, g))
			}
		}
		v.Lines = append(v.Lines, one)
	}
	for i := range r.Options {
		if r.isChoice() {
			v.Columns = append(v.Columns, Letter(i))
		}
	}
	var err error
	v.Bars, err = w.bars(r, c, p)
	return v, err
}

// Letter names an option: A, B, C.
func Letter(i int) string { return string(rune('A' + i%26)) }

// gradeShort is a grade with its word.
func gradeShort(p *words.Printer, g int) string {
	if g < 0 || g >= grades {
		return "?"
	}
	return strconv.Itoa(g) + " " + p.T("assembly.record.grade_"+strconv.Itoa(g), nil)
}
