package web

import (
	"html/template"
	"strings"
)

// Bars shows quantities that are compared: how a disk is used, or what two members
// give each other. All of them have the same scale: the longest bar is as wide as
// its place.
type Bars struct {
	Caption
	Bars []Bar
}

// Bar is one of them: its name, and its parts one after the other.
type Bar struct {
	Name  string
	Parts []BarPart
}

// BarPart is a piece of a bar, in bytes or whatever else is counted. Says is its
// sentence, with the number ("128 GB promised").
type BarPart struct {
	Amount int64
	Says   string
	Kind   BarKind
}

// BarKind is how a part looks. The zero value is BarFree.
type BarKind int

// The kinds: free room is an outline, what is promised is hatched, what is used is
// full, what is too much is full and marked.
const (
	BarFree BarKind = iota
	BarPromised
	BarUsed
	BarOther // used by somebody else
	BarOver  // more than there should be
)

func (k BarKind) class() string {
	switch k {
	case BarFree:
	case BarPromised:
		return "promised"
	case BarUsed:
		return "used"
	case BarOther:
		return "other"
	case BarOver:
		return "over"
	}
	return "free"
}

// HTML draws the bars one below the other, each with its name and what its parts say.
func (b Bars) HTML() template.HTML {
	const wide, high = 1000.0, 20.0
	var longest float64
	for _, bar := range b.Bars {
		longest = max(longest, bar.length())
	}
	d := figure("bars", b.Caption)
	for _, bar := range b.Bars {
		d.WriteString(`<p class="bar-name">` + text(bar.Name) + `</p>`)
		d.canvas(b.Title+": "+bar.Name, wide, high, stretch)
		x := 0.0
		for _, part := range bar.Parts {
			if part.Amount <= 0 {
				continue
			}
			w := wide * float64(part.Amount) / longest
			d.named(part.Says, "rect", part.Kind.class(), "x", x, "y", 0.0, "width", w, "height", high)
			if part.Kind == BarPromised {
				d.shape("path", "hatch", "d", hatch(x, w, high))
			}
			x += w
		}
		d.WriteString(`</svg><ul class="parts">`)
		for _, part := range bar.Parts {
			d.WriteString(`<li class="` + part.Kind.class() + `">` + text(part.Says) + `</li>`)
		}
		d.WriteString(`</ul>`)
	}
	return d.words()
}

// hatch are upright strokes from x on, over a width of w.
func hatch(x, w, high float64) string {
	const step = 10.0
	var path strings.Builder
	for at := x + step/2; at < x+w; at += step {
		path.WriteString("M" + number(at) + " 0v" + number(high))
	}
	return path.String()
}

// length is the sum of a bar's parts; a number and not an int64, which could overflow.
func (b Bar) length() (sum float64) {
	for _, part := range b.Parts {
		sum += max(float64(part.Amount), 0)
	}
	return sum
}
