package web

import "html/template"

// Stages shows how far something has come on a way of several stops. Those that were are full and
// ticked, the one that is has a ring around it, those to come are outlines.
type Stages struct {
	Caption
	Names []string // of the stops, in order: each says its name when it is pointed at
	Here  int      // index of the stop that is
}

// HTML draws the way from left to right.
func (s Stages) HTML() template.HTML {
	const step, middle, radius = 90.0, 20.0, 11.0
	d := figure("stages", s.Caption)
	d.canvas(s.Title, max(step*float64(len(s.Names)), step), 2*middle, whole)
	for i, name := range s.Names {
		x := step*float64(i) + step/2
		if i+1 < len(s.Names) {
			class := "way none"
			if i < s.Here {
				class = "way fine"
			}
			d.shape("path", class, "d", "M"+number(x+radius+4)+" "+number(middle)+"h"+number(step-2*radius-8))
		}
		switch {
		case i < s.Here:
			d.named(name, "circle", "stop fine", "cx", x, "cy", middle, "r", radius)
			d.shape("path", "tick", "d", "M"+number(x-5)+" "+number(middle)+"l4 4 7-8")
		case i == s.Here:
			d.named(name, "circle", "stop here", "cx", x, "cy", middle, "r", radius-4)
			d.shape("circle", "around", "cx", x, "cy", middle, "r", radius+3)
		default:
			d.named(name, "circle", "stop none", "cx", x, "cy", middle, "r", radius)
		}
	}
	return d.done()
}
