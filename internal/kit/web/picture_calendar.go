package web

import (
	"html/template"
	"slices"
)

// Calendar shows months in which something was kept or not, a row for each year: a kept
// month is a tick, a missed one a cross in a full cell, the one that runs an outline, one
// of which too little is known a question mark.
type Calendar struct {
	Caption
	Months  []CalendarMonth
	Letters []string // twelve, from January on, above the columns
	Behind  Table
}

// CalendarMonth is one month. Severity is Fine for kept, Trouble for missed, Warn for the
// one that runs, None for unsure. Says is what it shows when it is pointed at.
type CalendarMonth struct {
	Year, Month int // Month from 1
	Severity    Severity
	Says        string
}

// The calendar, in units of its SVG.
const (
	calendarSide, calendarCell, calendarRow = 66.0, 44.0, 36.0
	mostYears                               = 5
)

// HTML draws the years one below the other, the newest last.
func (c Calendar) HTML() template.HTML {
	var years []int
	for _, m := range c.Months {
		if m.Month >= 1 && m.Month <= 12 && m.Year > 0 && m.Year < 10000 && !slices.Contains(years, m.Year) {
			years = append(years, m.Year)
		}
	}
	slices.Sort(years)
	years = years[max(len(years)-mostYears, 0):]
	d := figure("calendar", c.Caption)
	d.canvas(c.Title, calendarSide+12*calendarCell, calendarRow*float64(len(years)+1), whole)
	for i, letter := range c.Letters[:min(len(c.Letters), 12)] {
		d.label(short(letter, 4), "month", "x", calendarSide+calendarCell*(float64(i)+.5), "y", calendarRow-12)
	}
	for row, year := range years {
		y := calendarRow * float64(row+1)
		d.label(number(float64(year)), "year", "x", 0.0, "y", y+24)
		for _, m := range c.Months {
			if m.Year == year && m.Month >= 1 && m.Month <= 12 {
				d.month(m, calendarSide+calendarCell*float64(m.Month-1), y)
			}
		}
	}
	d.WriteString("</svg>")
	d.WriteString(d.figcaption())
	d.table(c.Behind)
	return d.end()
}

// month draws one cell: its shape says what its colour says.
func (d *drawing) month(m CalendarMonth, x, y float64) {
	class := m.Severity.class()
	d.named(m.Says, "rect", "cell "+class, "x", x+3, "y", y+2, "width", calendarCell-6, "height", calendarRow-5, "rx", "5")
	mark := map[Severity]string{
		Fine:    "M" + number(x+13) + " " + number(y+18) + "l6 6l12 -13",
		Trouble: "M" + number(x+15) + " " + number(y+11) + "l14 14m0-14l-14 14",
		Warn:    "M" + number(x+13) + " " + number(y+17.5) + "h2m7 0h2m7 0h2",
		None:    "M" + number(x+17) + " " + number(y+14) + "a5 5 0 1 1 7 5q-2 1 -2 3m0 4v1",
	}[Severity(class)]
	d.shape("path", "mark "+class, "d", mark)
}
