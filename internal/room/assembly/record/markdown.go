package record

import (
	"fmt"
	"regexp"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Markdown are the minutes as a text of CommonMark with tables as GitHub writes them. Texts of
// members stand in quotations, so that a heading of theirs is none of the minutes; HTML in them
// is text.
func (w *Writer) Markdown(r Record, lang string, now core.Moment) (string, error) {
	p := w.printer(lang)
	v, err := w.view(&r, p, now)
	if err != nil {
		return "", err
	}
	m := &markdownText{p: p}
	m.line("# %s", escape(v.Title))
	m.line("**%s**", escape(v.State.Says))
	m.line("%s", escape(v.Line))
	for _, warning := range append(v.Warnings, v.Hidden, v.Review.Says) {
		if warning != "" {
			m.line("**%s**", escape(warning))
		}
	}
	for _, o := range v.Origins {
		v.Facts = append(v.Facts, fact{m.p.T("assembly.record.origin", nil), o.Says})
	}
	m.list(v.Facts)
	m.phases(&r)
	m.heading("assembly.record.text")
	if v.Withdrawn != "" {
		m.line("%s", escape(v.Withdrawn))
	} else {
		m.quote(r.Text)
		for i, o := range v.Options {
			m.line("- **%s.** %s", Letter(i), escape(o))
		}
	}
	m.count(&r, v.Count)
	m.said(&r, &v)
	m.who(&v)
	if v.ID != "" {
		m.line("%s `%s`", escape(p.T("assembly.record.id", nil)), strings.ReplaceAll(v.ID, "`", ""))
	}
	return m.String(), nil
}

// markdownText is what is being written.
type markdownText struct {
	strings.Builder
	p *words.Printer
}

// line writes a block of its own; what goes in was escaped.
func (m *markdownText) line(form string, what ...any) { fmt.Fprintf(m, form+"\n\n", what...) }

func (m *markdownText) heading(key string) { m.line("## %s", escape(m.p.T(key, nil))) }

func (m *markdownText) list(facts []fact) {
	for _, f := range facts {
		fmt.Fprintf(m, "- %s\n", escape(pair(m.p, f.Name, f.Says)))
	}
	m.WriteString("\n")
}

// quote is a text of a member.
func (m *markdownText) quote(text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(tag.ReplaceAllString(scrub(text), `\$0`)), "\n") {
		m.WriteString(strings.TrimRight("> "+line, " ") + "\n")
	}
	m.WriteString("\n")
}

// tag is where HTML would begin.
var tag = regexp.MustCompile(`<(?:[A-Za-z/!?])`)

// special are the characters that CommonMark gives a meaning within a line.
var special = regexp.MustCompile("[\\\\`*_\\[\\]<>#|~&]")

// escape is a line that is text and nothing else.
func escape(line string) string { return special.ReplaceAllString(Clean(line), `\$0`) }

func (m *markdownText) phases(r *Record) {
	t := r.Times
	all := []fact{{m.p.T("assembly.record.name_"+r.phaseName(Talk), nil), m.p.Date(t.TalkUntil)}}
	if r.Kind != Lazy {
		all = append(all, fact{m.p.T("assembly.record.name_commit", nil), m.p.Date(t.CommitUntil)}, fact{m.p.T("assembly.record.name_reveal", nil), m.p.Date(t.Due())})
	}
	m.heading("assembly.record.timeline")
	m.list(all)
}

func (m *markdownText) count(r *Record, c *countView) {
	if c == nil {
		return
	}
	m.heading("assembly.record.count")
	m.line("**%s**", escape(c.Result.Says))
	m.line("%s", escape(c.Quorum))
	for _, one := range []fact{{m.p.T("assembly.record.standing", nil), c.Standing}, {m.p.T("assembly.record.free", nil), c.Free}} {
		if one.Says != "" {
			m.line("%s %s", escape(one.Name), escape(one.Says))
		}
	}
	if c.Facilitator != "" {
		m.line("%s", escape(m.p.T("assembly.record.facilitator", args{"Member": string(c.Facilitator)})))
	}
	for _, b := range c.Bars {
		if b.Name != "" {
			m.line("- %s", escape(pair(m.p, b.Name, b.Says)))
		}
	}
	m.table(r, c)
	if c.Alike != "" {
		m.line("%s", escape(c.Alike))
	}
	for _, d := range c.Differ {
		m.line("**%s** %s", escape(m.p.T("assembly.record.alarm", nil)), escape(pair(m.p, string(d.Member), d.Its+" / "+d.Ours)))
	}
	m.line("%s `%s`", escape(m.p.T("assembly.record.hash", nil)), strings.ReplaceAll(c.Hash, "`", ""))
}

// table is one line for each member.
func (m *markdownText) table(r *Record, c *countView) {
	head := []string{m.p.T("assembly.record.member", nil), m.p.T("assembly.record.voice", nil)}
	if r.isChoice() {
		head = append(head, c.Columns...)
	}
	m.row(head)
	m.WriteString(strings.Repeat("| --- ", len(head)) + "|\n")
	for _, l := range c.Lines {
		cells := append([]string{l.Name, l.Says}, l.Grades...)
		for len(cells) < len(head) {
			cells = append(cells, "—")
		}
		m.row(cells)
	}
	m.WriteString("\n")
	if c.Useless {
		m.line("%s", escape(m.p.T("assembly.record.useless", nil)))
	}
}

func (m *markdownText) row(cells []string) {
	for _, c := range cells {
		m.WriteString("| " + escape(c) + " ")
	}
	m.WriteString("|\n")
}

// said writes what members said; the texts are those of the record, as they wrote them.
func (m *markdownText) said(r *Record, v *view) {
	for i, o := range v.Objections {
		if i == 0 {
			m.heading("assembly.record.objections")
		}
		m.line("### %s", escape(o.By))
		m.line("%s", escape(join(join(o.Day, o.State.Says), o.About)))
		if o.Withdrawn {
			m.line("%s", escape(m.p.T("assembly.record.gone", nil)))
			continue
		}
		from := r.Objections[i]
		for _, one := range []fact{{"assembly.record.harm", from.Harm}, {"assembly.record.whom", from.Whom}, {"assembly.record.lift", from.Lift}} {
			m.line("%s", escape(m.p.T(one.Name, nil)))
			m.quote(one.Says)
		}
	}
	for i, one := range v.Remarks {
		if i == 0 {
			m.heading("assembly.record.remarks")
		}
		m.line("### %s", escape(one.By))
		m.line("%s", escape(one.Day))
		if one.Withdrawn {
			m.line("%s", escape(m.p.T("assembly.record.gone", nil)))
			continue
		}
		m.quote(r.Remarks[i].Text)
	}
}

func (m *markdownText) who(v *view) {
	m.heading("assembly.record.who")
	m.line("%s", escape(m.p.T("assembly.record.who_lead", args{"Count": v.Awake})))
	m.members(v.Electors)
	if len(v.Absent) > 0 {
		m.heading("assembly.record.absent")
		m.members(v.Absent)
	}
	if len(v.Versions) > 1 {
		m.heading("assembly.record.versions")
		for _, one := range v.Versions {
			fmt.Fprintf(m, "- %d: %s (%s)\n", one.Number, escape(one.Title), one.Day)
		}
		m.WriteString("\n")
	}
	if len(v.Reviews) > 0 {
		m.heading("assembly.record.reviews")
		m.members(v.Reviews)
	}
}

func (m *markdownText) members(list []named) {
	for _, one := range list {
		says := one.Name
		if one.Says != "" {
			says = pair(m.p, one.Name, one.Says)
		}
		m.WriteString("- " + escape(says) + "\n")
	}
	m.WriteString("\n")
}
