package web

import (
	"html/template"
	"math"
	"strings"
)

// DayBars shows how each of many days went, oldest first. A good day is a full bar that
// stands on the line. What was down hangs below the line; what went in part is striped,
// what was announced is an outline, what nobody knows is a thin line. A small part is drawn
// larger than it was, so that it is seen; the table says how long it was.
type DayBars struct {
	Caption
	Days     []DayParts
	From, To string // what stands below the left and the right edge
	Behind   Table
}

// FewestDays is how many days have room; where there are fewer, the last one stands at the
// right edge all the same.
const FewestDays = 30

// DayParts are the parts of one day, in any unit; of a day without parts there is nothing
// to show but a dot.
type DayParts struct{ Up, Partial, Down, Maint, Unknown int64 }

// The day bars, in units of their SVG: bars stand on dayGround, what was down hangs below.
const (
	dayStep, dayGap   = 10.0, 2.0
	dayGround, dayLow = 28.0, 42.0
	dayLeast          = 6.0 // of a part above the line
)

// HTML draws the days as wide as their place.
func (b DayBars) HTML() template.HTML {
	empty := max(FewestDays-len(b.Days), 0)
	wide := dayStep * float64(empty+len(b.Days))
	d := figure("days", b.Caption)
	d.canvas(b.Title, wide, dayLow, stretch)
	var p dayPaths
	for i, day := range b.Days {
		p.day(day, dayStep*float64(empty+i)+dayGap/2)
	}
	for _, path := range []struct {
		class string
		d     *strings.Builder
	}{{"up", &p.up}, {"partial", &p.partial}, {"maint", &p.maint}, {"unknown", &p.unknown}, {"down", &p.down}} {
		if path.d.Len() > 0 {
			d.shape("path", path.class, "d", path.d.String())
		}
	}
	d.shape("path", "ground", "d", "M0 "+number(dayGround+.5)+"h"+number(wide))
	d.WriteString("</svg>")
	d.scale(b.From, b.To)
	d.WriteString(d.figcaption())
	d.table(b.Behind)
	return d.end()
}

// dayPaths are the outlines of all days' parts, one path for each kind of part: a page has
// many days, and is small all the same.
type dayPaths struct{ up, partial, maint, unknown, down strings.Builder }

// day adds one day whose bar begins at x.
func (p *dayPaths) day(day DayParts, x float64) {
	const w = dayStep - dayGap
	total := day.total()
	if total == 0 {
		box(&p.unknown, x+w/2-1, dayGround-2, 2, 2)
		return
	}
	y := dayGround // where the next part stands
	above := func(amount int64) (h float64, ok bool) {
		if amount <= 0 || y <= 0 {
			return 0, false
		}
		h = min(max(dayGround*float64(amount)/total, dayLeast), y)
		y -= h
		return h, true
	}
	if h, ok := above(day.Unknown); ok {
		box(&p.unknown, x+w/2-1, y, 2, h)
	}
	if h, ok := above(day.Maint); ok {
		box(&p.maint, x+1, y+1, w-2, max(h-2, 1))
	}
	if h, ok := above(day.Partial); ok {
		for stripe := y; stripe < y+h-1; stripe += 4 {
			box(&p.partial, x, stripe, w, 2)
		}
	}
	if h, ok := above(day.Up); ok {
		box(&p.up, x, y, w, h)
	}
	if day.Down > 0 {
		box(&p.down, x, dayGround+1, w, 4+8*math.Sqrt(share(day.Down, int64(min(total, math.MaxInt64/2)))))
	}
}

// total is a number and not an int64, which could overflow.
func (d DayParts) total() (sum float64) {
	for _, part := range []int64{d.Up, d.Partial, d.Down, d.Maint, d.Unknown} {
		sum += float64(max(part, 0))
	}
	return sum
}

// box adds a rectangle to a path.
func box(path *strings.Builder, x, y, w, h float64) {
	path.WriteString("M" + number(x) + " " + number(y) + "h" + number(w) + "v" + number(h) + "h" + number(-w) + "z")
}
