package web

import "html/template"

// Grid shows who, or what, has which of several things: a row for each thing, a column for
// each who. Fine is a tick in a full cell, Warn a tick in an outline, Trouble a cross, None
// an empty place.
type Grid struct {
	Caption
	Columns []string
	Rows    []GridRow
	Behind  Table // everything, for who cannot see it and for what has no place
}

// GridRow is one thing. It has as many cells as there are columns.
type GridRow struct {
	Name  string
	Cells []GridCell
}

// GridCell is one place. Says is what it shows when it is pointed at.
type GridCell struct {
	Severity Severity
	Says     string
}

// The grid, in units of its SVG.
const (
	gridSide, gridCell, gridRow = 190.0, 72.0, 36.0
	mostColumns, mostGridRows   = 8, 40
)

// HTML draws the rows one below the other: the first 40 of them, and the first 8 columns.
// Without a row or a column only the table stands.
func (g Grid) HTML() template.HTML {
	d := figure("grid", g.Caption)
	rows, columns := g.Rows[:min(len(g.Rows), mostGridRows)], g.Columns[:min(len(g.Columns), mostColumns)]
	if len(rows) > 0 && len(columns) > 0 {
		d.canvas(g.Title, gridSide+gridCell*float64(len(columns)), gridRow*float64(len(rows)+1), whole)
		for i, name := range columns {
			d.label(short(name, 8), "column", "x", gridSide+gridCell*(float64(i)+.5), "y", gridRow-12)
		}
		for i, row := range rows {
			y := gridRow * float64(i+1)
			d.label(short(row.Name, 22), "row", "x", 0.0, "y", y+24)
			for j, c := range row.Cells[:min(len(row.Cells), len(columns))] {
				d.gridCell(c, gridSide+gridCell*float64(j), y)
			}
		}
		d.WriteString("</svg>")
	}
	d.WriteString(d.figcaption())
	d.table(g.Behind)
	return d.end()
}

// gridCell draws one place: its shape says what its colour says.
func (d *drawing) gridCell(c GridCell, x, y float64) {
	class := c.Severity.class()
	d.named(c.Says, "rect", "cell "+class, "x", x+3, "y", y+2, "width", gridCell-6, "height", gridRow-5, "rx", "5")
	mark := ""
	switch Severity(class) {
	case Fine, Warn:
		mark = "M" + number(x+27) + " " + number(y+18) + "l6 6l12 -13"
	case Trouble:
		mark = "M" + number(x+29) + " " + number(y+11) + "l14 14m0-14l-14 14"
	case None:
		mark = "M" + number(x+33) + " " + number(y+17.5) + "h6"
	}
	d.shape("path", "mark "+class, "d", mark)
}
