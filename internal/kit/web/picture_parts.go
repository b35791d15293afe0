package web

import "html/template"

// Circles shows the parts that something lies in: all of them, how many are needed to
// get it back, and how many are lost. Lost ones are grey and crossed out; those needed
// are underlined.
type Circles struct {
	Caption
	Total, Needed, Lost int
}

// mostCircles is how many are drawn; no code has more parts.
const mostCircles = 64

// Severity is Trouble when too few are left, Warn when not one more may be lost, and
// None when there is nothing.
func (c Circles) Severity() Severity {
	left := c.Total - max(c.Lost, 0)
	switch {
	case c.Total <= 0:
		return None
	case left < c.Needed:
		return Trouble
	case left == c.Needed:
		return Warn
	}
	return Fine
}

// HTML draws the circles in a row, those that are left first.
func (c Circles) HTML() template.HTML {
	const step, middle, radius = 28.0, 14.0, 10.0
	total := min(max(c.Total, 0), mostCircles)
	left, needed := min(max(c.Total-max(c.Lost, 0), 0), total), min(max(c.Needed, 0), total)
	d := figure("circles", c.Caption)
	d.canvas(c.Title, max(step*float64(total), step), 38, whole)
	for i := range total {
		x := step*float64(i) + middle
		if i < left {
			d.shape("circle", "part "+c.Severity().class(), "cx", x, "cy", middle, "r", radius)
			continue
		}
		d.shape("circle", "part none", "cx", x, "cy", middle, "r", radius)
		d.shape("path", "cross", "d", "M"+number(x-5)+" "+number(middle-5)+"l10 10m0-10l-10 10")
	}
	if needed > 0 {
		d.shape("path", "needed", "d", "M4 34h"+number(step*float64(needed)-8))
	}
	return d.done()
}

// Strip shows a row of days, oldest first: a good day (Fine) is a full bar, a bad one
// (Trouble) is half as high, between both stands Warn, and a day of which nothing is
// known (None) is a dot on the ground.
type Strip struct {
	Caption
	Days     []StripDay
	From, To string // what stands below the first and the last day
}

// StripDay is one day; Says is what it shows when it is pointed at.
type StripDay struct {
	Says     string
	Severity Severity
}

// HTML draws the strip as wide as its place.
func (s Strip) HTML() template.HTML {
	const step, high = 10.0, 32.0
	d := figure("strip", s.Caption)
	d.canvas(s.Title, max(step*float64(len(s.Days)), step), high, stretch)
	tall := map[Severity]float64{Fine: high, Warn: 24, Trouble: 16, None: 4}
	for i, day := range s.Days {
		h := tall[Severity(day.Severity.class())]
		d.named(day.Says, "rect", "day "+day.Severity.class(), "x", step*float64(i)+1, "y", high-h, "width", step-2, "height", h)
	}
	return d.scaled(s.From, s.To)
}
