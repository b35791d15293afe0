package show

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/kit/web"
	"entrechat/internal/room/watch/status"
)

// briefly is how long, in seconds, nobody may know before a page speaks of it: a node that
// starts looks first.
const briefly = 60

// bars are the days of a service. The table behind them holds the days that were not
// entirely well; full says that an empty table is said, too.
func (t teller) bars(s *status.Service, full bool) template.HTML {
	b := web.DayBars{Caption: web.Caption{Title: t.T("watch.status.bars_title", map[string]any{"Service": s.Name}), Words: t.sum(s.Days)}}
	for _, d := range s.Days {
		b.Days = append(b.Days, web.DayParts{Up: d.Up, Partial: d.Partial, Down: d.Down, Maint: d.Maint, Unknown: d.Unknown})
	}
	if b.To = t.T("watch.status.today", nil); len(s.Days) >= web.FewestDays {
		b.From = t.date(s.Days[0].Date)
	}
	b.Behind = web.Table{Summary: t.T("watch.status.behind_days", nil), Head: t.heads("day", "down", "partial", "maint", "unknown")}
	for _, d := range slices.Backward(s.Days) {
		if d.Down+d.Partial+d.Maint > 0 || d.Unknown >= briefly {
			b.Behind.Rows = append(b.Behind.Rows, append([]string{t.date(d.Date)}, t.cells(d.Down, d.Partial, d.Maint, d.Unknown)...))
		}
	}
	if full && len(s.Days) > 1 {
		b.Behind.None = t.T("watch.status.no_bad_day", nil)
	}
	return b.HTML()
}

// cells are durations; "–" for none.
func (v voice) cells(all ...int64) []string {
	out := make([]string, len(all))
	for i, n := range all {
		if out[i] = "–"; n > 0 {
			out[i] = v.hours(n)
		}
	}
	return out
}

func (v voice) heads(names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = v.T("watch.status.col_"+name, nil)
	}
	return out
}

// sum says in one line how days went: hours and two digits, never a percentage.
func (v voice) sum(days []status.Day) string {
	var all status.Parts
	counted := 0
	for _, d := range days {
		all = all.Add(d.Parts)
		if d.Total() > 0 {
			counted++
		}
	}
	if all.Total() == 0 {
		return v.T("watch.status.sum_first", nil)
	}
	if counted == 1 {
		return v.T("watch.status.sum_day", map[string]any{"Parts": strings.Join(v.parts(all), ", ")})
	}
	return v.T("watch.status.sum_days", map[string]any{"Count": counted, "Parts": strings.Join(v.parts(all), ", ")})
}

func (v voice) parts(all status.Parts) []string {
	var out []string
	for _, part := range []struct {
		name    string
		seconds int64
	}{{"down", all.Down}, {"partial", all.Partial}, {"maint", all.Maint}, {"unknown", all.Unknown}} {
		if part.seconds > 0 && (part.name != "unknown" || part.seconds >= briefly) {
			out = append(out, v.T("watch.status.sum_"+part.name, map[string]any{"Hours": v.hours(part.seconds)}))
		}
	}
	if len(out) == 0 || all.Down+all.Partial+all.Maint == 0 {
		out = append([]string{v.T("watch.status.sum_none", nil)}, out...)
	}
	return out
}

// curve is how quickly a service answered. Its table has at most so many rows as somebody
// reads: steps are put together.
func (v voice) curve(key string, s status.Series) template.HTML {
	c := web.Curve{Caption: web.Caption{Title: v.T(key, nil), Words: v.T("watch.status.curve_words", nil)}}
	points := func(values []int64) (out []web.CurvePoint) {
		for _, ms := range values {
			out = append(out, web.CurvePoint{Value: float64(ms), Known: ms >= 0})
		}
		return out
	}
	c.Points, c.Above = points(s.P50), points(s.P95)
	if len(c.Points) == 0 {
		return ""
	}
	step := time.Duration(s.Step) * time.Second
	at := func(i int) string { return v.clock(s.From.Add(time.Duration(i) * step)) }
	c.Top, c.From, c.To = v.latency(int64(c.Highest())), at(0), at(len(s.P50))
	c.Behind = web.Table{Summary: v.T("watch.status.behind_curve", nil), Head: v.heads("from", "half", "most")}
	for i, every := 0, (len(s.P50)+23)/24; i < len(s.P50); i += every {
		c.Behind.Rows = append(c.Behind.Rows, []string{at(i), v.latency(worst(s.P50, i, every)), v.latency(worst(s.P95, i, every))})
	}
	return c.HTML()
}

// worst is the largest of a few values; -1 when none is known.
func worst(values []int64, from, n int) int64 {
	most := int64(-1)
	for i := from; i < min(from+n, len(values)); i++ {
		most = max(most, values[i])
	}
	return most
}

// usual is the median of what a service takes to answer now; ok is false when that is not
// known.
func usual(l *status.Latency) (ms int64, ok bool) {
	if l == nil {
		return 0, false
	}
	for i := len(l.Day.P50) - 1; i >= max(len(l.Day.P50)-8, 0); i-- {
		if l.Day.P50[i] >= 0 {
			return l.Day.P50[i], true
		}
	}
	return 0, false
}

// calendar is which months a promise was kept in.
func (v voice) calendar(p *status.Promise) template.HTML {
	if len(p.Months) == 0 {
		return ""
	}
	c := web.Calendar{Caption: web.Caption{Title: v.T("watch.status.calendar_title", nil), Words: v.kept(p)}}
	c.Letters = strings.Fields(v.T("watch.status.month_letters", nil))
	c.Behind = web.Table{Summary: v.T("watch.status.behind_calendar", nil), Head: v.heads("month", "kept", "down", "partial", "maint", "unknown")}
	for _, m := range slices.Backward(p.Months) {
		at, err := time.Parse("2006-01", m.Month)
		if err != nil {
			continue
		}
		name := v.month(at.Month()) + " " + strconv.Itoa(at.Year())
		says, severity := v.keeping(m.Kept)
		c.Months = append(c.Months, web.CalendarMonth{Year: at.Year(), Month: int(at.Month()), Severity: severity, Says: name + " – " + says})
		c.Behind.Rows = append(c.Behind.Rows, append([]string{name, says}, v.cells(m.Down, m.Partial, m.Maint, m.Unknown)...))
	}
	return c.HTML()
}

func (v voice) keeping(k status.Keeping) (string, web.Severity) {
	severity := map[status.Keeping]web.Severity{status.Kept: web.Fine, status.Missed: web.Trouble, status.Running: web.Warn}[k]
	if k == status.Unsure {
		k = "unsure"
	}
	return v.T("watch.status.month_is_"+string(k), nil), severity
}

// kept is in how many months, of those that are known, a promise was kept.
func (v voice) kept(p *status.Promise) string {
	kept, of := 0, 0
	for _, m := range p.Months {
		switch m.Kept {
		case status.Kept:
			kept, of = kept+1, of+1
		case status.Missed:
			of++
		case status.Running, status.Unsure:
		}
	}
	if of == 0 {
		return v.T("watch.status.kept_none", nil)
	}
	return v.T("watch.status.kept", map[string]any{"Kept": kept, "Count": of})
}
