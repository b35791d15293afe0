package web

import (
	"html/template"
	"math"
)

// Ring shows us in the middle and members around: the line to a member is as thick as
// what it stores for us, its disc as large as what we store for it. Who is silent
// (None) is grey and dashed.
type Ring struct {
	Caption
	Us      string // what stands below our own disc
	Members []RingMember
}

// RingMember is one of those around us.
type RingMember struct {
	Name     string
	ForUs    int64 // bytes it stores for us
	ForIt    int64 // bytes we store for it
	Severity Severity
	Says     string // what stands beside the picture; empty = nothing
}

// The ring, in units of its SVG.
const (
	ringWide, ringHigh     = 470.0, 290.0
	ringRadius             = 100.0
	thinnest, thickest     = 1.5, 14.0
	smallest, largest      = 7.0, 18.0
	ringNames, ringLetters = 16, 16
)

// HTML draws the ring. Above 16 members the names only show when a disc is pointed at, and
// nothing stands beside.
func (r Ring) HTML() template.HTML {
	d := figure("ring", r.Caption)
	d.canvas(r.Title, ringWide, ringHigh, whole)
	var most, mostOurs int64
	for _, m := range r.Members {
		most, mostOurs = max(most, m.ForUs), max(mostOurs, m.ForIt)
	}
	const x, y = ringWide / 2, ringHigh / 2
	at := func(i int, radius float64) (cx, cy float64) {
		angle := 2 * math.Pi * float64(i) / float64(len(r.Members))
		return x + radius*math.Cos(angle), y + radius*math.Sin(angle)
	}
	for i, m := range r.Members {
		cx, cy := at(i, ringRadius)
		d.shape("line", "tie "+m.Severity.class(), "x1", x, "y1", y, "x2", cx, "y2", cy,
			"stroke-width", thinnest+(thickest-thinnest)*share(m.ForUs, most))
	}
	d.shape("circle", "us", "cx", x, "cy", y, "r", 26.0)
	d.label(short(r.Us, ringLetters), "us-name", "x", x, "y", y+44, "text-anchor", "middle")
	for i, m := range r.Members {
		cx, cy := at(i, ringRadius)
		radius := smallest + (largest-smallest)*math.Sqrt(share(m.ForIt, mostOurs))
		d.named(m.Name, "circle", "disc "+m.Severity.class(), "cx", cx, "cy", cy, "r", radius)
		if len(r.Members) <= ringNames {
			lx, ly := at(i, ringRadius+radius+10)
			d.label(short(m.Name, ringLetters), "name "+m.Severity.class(), "x", lx, "y", ly+4, "text-anchor", anchor(lx-x))
		}
	}
	d.WriteString("</svg>")
	if len(r.Members) <= ringNames {
		d.beside(r.Members)
	}
	return d.words()
}

// beside lists what the picture says of each member.
func (d *drawing) beside(members []RingMember) {
	d.WriteString(`<ul class="beside">`)
	for _, m := range members {
		if m.Says != "" {
			d.WriteString(`<li><span class="state ` + m.Severity.class() + `">` + text(m.Name) + `</span> ` + text(m.Says) + `</li>`)
		}
	}
	d.WriteString(`</ul>`)
}

// anchor is where a text begins that stands so far to the right of the middle.
func anchor(right float64) string {
	switch {
	case right > 12:
		return "start"
	case right < -12:
		return "end"
	}
	return "middle"
}
