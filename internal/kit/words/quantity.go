package words

import (
	"math"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
)

// Bytes is a size as people of the language write it: "1,5 To", "1.5 TB".
func (p *Printer) Bytes(s core.Size) string {
	text := s.String()
	if p.Lang == English {
		return text
	}
	number, unit, _ := strings.Cut(text, " ")
	return strings.Replace(number, ".", ",", 1) + "\u00a0" + strings.TrimSuffix(unit, "B") + "o"
}

// Date is a day and a time in UTC; "—" for never.
func (p *Printer) Date(m core.Moment) string {
	if m == 0 {
		return "—"
	}
	if p.Lang == English {
		return m.Time().Format("2006-01-02 15:04 UTC")
	}
	return m.Time().Format("02/01/2006 15:04 UTC")
}

// Day is a date without its time.
func (p *Printer) Day(m core.Moment) string {
	date := p.Date(m)
	day, _, _ := strings.Cut(date, " ")
	return day
}

// Ago is how long before now something was, or how long after: "il y a 3 min",
// "3 min ago", "dans 2 h".
func (p *Printer) Ago(m core.Moment, now time.Time) string {
	if m == 0 {
		return p.T("words.never", nil)
	}
	if after := m.Time().Sub(now); after > 0 {
		return p.T("words.in", map[string]any{"Span": p.Span(after)})
	}
	return p.T("words.ago", map[string]any{"Span": p.Span(now.Sub(m.Time()))})
}

// Pair joins a name and what is said of it, "name: text"; French has a space before the colon.
func (p *Printer) Pair(name, text string) string {
	if p.Lang == English {
		return name + ": " + text
	}
	return name + "\u00a0: " + text
}

// Percent is a share in 0..1 with one digit, cut and not rounded: what is not
// whole never shows as 100 %.
func (p *Printer) Percent(share float64) string {
	text := strconv.FormatFloat(math.Floor(share*1000+1e-6)/10, 'f', -1, 64)
	if p.Lang == English {
		return text + "%"
	}
	return strings.Replace(text, ".", ",", 1) + "\u00a0%"
}

// Span is a duration in its largest whole unit.
func (p *Printer) Span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "\u00a0s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "\u00a0min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "\u00a0h"
	}
	return p.T("words.days", map[string]any{"Count": int(d / (24 * time.Hour))})
}
