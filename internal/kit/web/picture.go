package web

import (
	"cmp"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Caption is what every picture says in words. Title names the picture for who cannot
// see it. Words stand below the picture for everybody; empty = the title.
//
// Pictures have no script and no inline style: colours are classes of style.css, which
// also knows the dark. Colour never stands alone, a shape or a word says the same.
type Caption struct{ Title, Words string }

// drawing writes one picture: a <figure> with an SVG and its words.
type drawing struct {
	strings.Builder
	caption Caption
}

// figure begins a picture; style.css gives its SVG a size by the class name.
func figure(name string, c Caption) *drawing {
	d := &drawing{caption: c}
	d.WriteString(`<figure class="picture ` + name + `">`)
	return d
}

// What an SVG does when its place has other proportions.
const (
	whole   = "xMidYMid meet" // it is seen whole
	stretch = "none"          // it fills its place
)

// canvas opens an SVG of w x h units.
func (d *drawing) canvas(title string, w, h float64, fit string) {
	d.WriteString(`<svg role="img" viewBox="0 0 ` + number(w) + " " + number(h) + `" preserveAspectRatio="` + fit + `"><title>` + text(title) + `</title>`)
}

// shape writes an element without content; attrs are names and values in pairs.
func (d *drawing) shape(name, class string, attrs ...any) {
	d.open(name, class, attrs...)
	d.WriteString("</" + name + ">")
}

// named writes an element that says its name when it is pointed at.
func (d *drawing) named(says, name, class string, attrs ...any) {
	d.open(name, class, attrs...)
	d.WriteString("<title>" + text(says) + "</title></" + name + ">")
}

// label writes text into the picture.
func (d *drawing) label(says, class string, attrs ...any) {
	d.open("text", class, attrs...)
	d.WriteString(text(says) + "</text>")
}

func (d *drawing) open(name, class string, attrs ...any) {
	d.WriteString("<" + name + ` class="` + class + `"`)
	for i := 0; i+1 < len(attrs); i += 2 {
		attr, _ := attrs[i].(string)
		d.WriteString(" " + attr + `="`)
		switch v := attrs[i+1].(type) {
		case float64:
			d.WriteString(number(v))
		case string:
			d.WriteString(text(v))
		}
		d.WriteByte('"')
	}
	d.WriteByte('>')
}

// done closes the SVG and puts the picture's words below.
func (d *drawing) done() template.HTML {
	d.WriteString("</svg>")
	return d.words()
}

// scaled does the same, with what the left and the right edge stand for in between.
func (d *drawing) scaled(from, to string) template.HTML {
	d.WriteString("</svg>")
	d.scale(from, to)
	return d.words()
}

func (d *drawing) scale(left, right string) {
	if left != "" || right != "" {
		d.WriteString(`<p class="scale"><span>` + text(left) + `</span><span>` + text(right) + `</span></p>`)
	}
}

func (d *drawing) words() template.HTML {
	d.WriteString(d.figcaption())
	return d.end()
}

func (d *drawing) figcaption() string {
	return "<figcaption>" + text(cmp.Or(d.caption.Words, d.caption.Title)) + "</figcaption>"
}

func (d *drawing) end() template.HTML {
	d.WriteString("</figure>")
	return template.HTML(d.String()) //nolint:gosec // every text went through text()
}

// number writes a coordinate with one decimal; what is no number is 0.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// text escapes a text for HTML and for XML; characters neither may hold are left out.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\ufffd' || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return template.HTMLEscapeString(s)
}

// short cuts a text to n characters, with … in place of the rest.
func short(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return strings.TrimRight(string(runes[:n-1]), " .-") + "…"
}

// share is part of whole between 0 and 1; of nothing it is 0.
func share(part, whole int64) float64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	return min(float64(part)/float64(whole), 1)
}
