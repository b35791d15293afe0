package web

import (
	"html/template"
	"math"
	"strings"
)

// Curve shows a quantity over days, oldest first, as the age of what is off-site. A
// day without a value leaves a gap. What lies above Limit is in the zone of trouble.
type Curve struct {
	Caption
	Points   []CurvePoint
	Above    []CurvePoint // a second, thin line, as what only few are above
	Limit    float64      // in the points' unit; 0 = none
	Top      string       // what the upper edge is ("6 days")
	LimitIs  string       // what stands at the limit
	From, To string       // what stands below the first and the last day
	Behind   Table
}

// CurvePoint is one day's value; it is drawn when it is known, finite and not negative.
type CurvePoint struct {
	Value float64
	Known bool
}

func (p CurvePoint) shown() bool {
	return p.Known && !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) && p.Value >= 0
}

// Highest is what the curve's upper edge stands for: the largest value or, when that
// is lower, the limit.
func (c Curve) Highest() float64 {
	highest := 0.0
	if !math.IsNaN(c.Limit) && !math.IsInf(c.Limit, 0) {
		highest = max(c.Limit, 0)
	}
	for _, line := range [][]CurvePoint{c.Points, c.Above} {
		for _, p := range line {
			if p.shown() {
				highest = max(highest, p.Value)
			}
		}
	}
	return highest
}

// HTML draws the curve as wide as its place.
func (c Curve) HTML() template.HTML {
	const wide, high = 1000.0, 200.0
	highest := c.Highest()
	y := func(v float64) float64 {
		if highest == 0 {
			return high
		}
		return high * (1 - v/highest)
	}
	d := figure("curve", c.Caption)
	d.scale(c.Top, c.LimitIs)
	d.canvas(c.Title, wide, high, stretch)
	if c.Limit > 0 && c.Limit <= highest {
		d.shape("rect", "zone", "x", 0.0, "y", 0.0, "width", wide, "height", y(c.Limit))
		d.shape("path", "limit", "d", "M0 "+number(y(c.Limit))+"h"+number(wide))
	}
	if len(c.Above) > 0 {
		d.shape("path", "above", "d", level(c.Above, wide, y))
	}
	d.shape("path", "value", "d", level(c.Points, wide, y))
	d.shape("path", "ground", "d", "M0 "+number(high)+"h"+number(wide))
	d.WriteString("</svg>")
	d.scale(c.From, c.To)
	d.WriteString(d.figcaption())
	d.table(c.Behind)
	return d.end()
}

// level is a line of points over a width, with gaps where nothing is known. Each point is a
// short level stroke, so that a single one is seen too.
func level(points []CurvePoint, wide float64, y func(v float64) float64) string {
	step := wide / max(float64(len(points)), 1)
	var path strings.Builder
	for i, p := range points {
		if !p.shown() {
			continue
		}
		if i > 0 && points[i-1].shown() {
			path.WriteString("L" + number(step*float64(i)) + " " + number(y(p.Value)))
		} else {
			path.WriteString("M" + number(step*float64(i)) + " " + number(y(p.Value)))
		}
		path.WriteString("H" + number(step*float64(i+1)))
	}
	return path.String()
}
