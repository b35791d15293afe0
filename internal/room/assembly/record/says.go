package record

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// State is where a decision is, in a few words and as a severity.
type State struct {
	Severity web.Severity
	Says     string
}

// State says where the decision is: its result, or its phase.
func (r *Record) State(p *words.Printer, now core.Moment) State {
	if c := r.counted(now); c != nil {
		return State{severity(c.Result), p.T("assembly.record.result_"+c.Result, nil)}
	}
	switch {
	case r.Rival:
		return State{web.Warn, p.T("assembly.record.rival_short", nil)}
	case r.Replaced:
		return State{web.None, p.T("assembly.record.replaced", nil)}
	case r.Withdrawn:
		return State{web.None, p.T("assembly.record.withdrawn_short", nil)}
	}
	phase := r.Times.Phase(now)
	if phase == Talk && r.Kind == Lazy {
		return State{web.None, p.T("assembly.record.phase_lazy", nil)}
	}
	return State{web.None, p.T("assembly.record.phase_"+string(phase), nil)}
}

func severity(result string) web.Severity {
	switch result {
	case Passed, Chosen, Advice:
		return web.Fine
	case Failed, Rejected:
		return web.Trouble
	case Replaced:
		return web.None
	}
	return web.Warn
}

// Line is one sentence: what happens until when, or what came out and when.
func (r *Record) Line(p *words.Printer, now core.Moment) string {
	t := r.Times
	if r.Rival {
		return p.T("assembly.record.rival", nil)
	}
	if c := r.counted(now); c != nil && c.Result != Replaced {
		result := p.T("assembly.record.says_"+c.Result, nil)
		if best := r.best(c); best != "" {
			result = pair(p, result, best)
		}
		return p.T("assembly.record.line_counted", args{"Result": result, "Day": p.Day(t.Due())})
	}
	if c := r.counted(now); r.Replaced || c != nil {
		return p.T("assembly.record.line_replaced", nil)
	}
	switch t.Phase(now) {
	case Talk:
		if r.Kind == Lazy {
			return p.T("assembly.record.line_lazy", args{"Date": p.Date(t.TalkUntil)})
		}
		return p.T("assembly.record.line_talk", args{"Date": p.Date(t.TalkUntil), "Until": p.Day(t.CommitUntil)})
	case Commit:
		return p.T("assembly.record.line_commit", args{"Date": p.Date(t.CommitUntil)})
	case Reveal:
		return p.T("assembly.record.line_reveal", args{"Date": p.Date(t.Due())})
	case Counted:
	}
	return p.T("assembly.record.line_due", nil)
}

// best is what was chosen or advised; empty where nothing was.
func (r *Record) best(c *Count) string {
	if c.Result != Chosen && c.Result != Advice || len(c.Order) == 0 {
		return ""
	}
	if at := c.Order[0]; at >= 0 && at < len(r.Options) {
		return Clean(r.Options[at])
	}
	return ""
}

// after is how long after the review day a decision without a word is not reviewed.
const after = 60 * 24 * time.Hour

// reviewed says what became of the review; empty before its day.
func (r *Record) reviewed(p *words.Printer, now core.Moment) (says string, state web.Severity) {
	day, err := time.Parse(time.DateOnly, r.Review)
	if err != nil || r.counted(now) == nil || now < core.At(day) {
		return "", web.None
	}
	needed, keep := min(2, len(r.Electorate)), 0
	for _, one := range r.Reviews {
		if one.Word == "keep" {
			keep++
		}
	}
	switch {
	case len(r.Reviews) == 0 && now >= core.At(day.Add(after)):
		return p.T("assembly.record.not_reviewed", nil), web.Warn
	case len(r.Reviews) > 0 && keep == len(r.Reviews) && keep >= needed:
		return p.T("assembly.record.kept", nil), web.Fine
	}
	return p.T("assembly.record.review_now", nil), web.Warn
}

// dayOf is a day as the document says it, in the reader's language.
func dayOf(p *words.Printer, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return Clean(day)
	}
	return p.Day(core.At(t))
}

// Clean is a line of a member as it may stand in any text: one line without control characters
// or marks that turn the direction of what follows.
func Clean(line string) string {
	return strings.Join(strings.Fields(scrub(line)), " ")
}

// scrub takes out what no text may hold; line ends and tabs stay.
func scrub(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r), r == unicode.ReplacementChar, turns(r), r >= 0xFFFE && r&0xFFFE == 0xFFFE, r == 0xFEFF:
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), ""))
}

// turns says that a character changes the direction of those around it.
func turns(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F || r == 0x061C
}

// pair is a name and what is said of it, with the colon that the language wants.
func pair(p *words.Printer, name, says string) string {
	return p.T("assembly.record.pair", args{"Name": name, "Says": says})
}

// names are members in one line.
func names(list []core.MemberID) string {
	out := make([]string, len(list))
	for i, m := range list {
		out[i] = string(m)
	}
	return strings.Join(out, ", ")
}

// stances are those of a consent, the warmest first.
func stances() []string { return []string{"agree", "concern", "aside", "object"} }

// isChoice says that members give grades.
func (r *Record) isChoice() bool { return r.Kind == Choice || r.Kind == Poll }

// what is what a line says, in words.
func (l Line) what(p *words.Printer) string {
	switch {
	case l.Status != "open":
		return p.T("assembly.record.status_"+l.Status, nil)
	case l.Stance != "":
		return p.T("assembly.record.stance_"+l.Stance, nil)
	}
	return p.T("assembly.record.status_open", nil)
}

func (l Line) severity() web.Severity {
	switch {
	case l.Status == "void" || l.Status == "bad" || l.Stance == "object":
		return web.Trouble
	case l.Status == "unopened" || l.Stance == "concern":
		return web.Warn
	case l.Status == "open" && l.Stance != "aside":
		return web.Fine
	}
	return web.None
}

// median is the grade at the middle of an option's grades, the lower one of two; ok is false
// where nobody gave one.
//
// spec: docs/spec/decision.md#tally
func median(grades []int) (grade int, ok bool) {
	if len(grades) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(grades))
	return sorted[(len(sorted)-1)/2], true
}

// gradesOf are those that were given to one option.
func (c *Count) gradesOf(option int) (out []int) {
	for _, l := range c.open() {
		if option < len(l.Grades) && l.Grades[option] >= 0 && l.Grades[option] < grades {
			out = append(out, l.Grades[option])
		}
	}
	return out
}

// grades is how many there are, from 0 (reject) to 5 (excellent).
const grades = 6
