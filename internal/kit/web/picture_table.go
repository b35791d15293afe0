package web

import "html/template"

// Table is the numbers behind a picture, for who cannot see it and for who wants to know
// more. It is folded, below what Summary says.
type Table struct {
	Summary string
	Head    []string
	Rows    [][]string // the first cell of each names it
	None    string     // what is said when there is no row; empty = nothing is
}

// HTML writes the table; without rows it is a sentence, or nothing.
func (t Table) HTML() template.HTML {
	d := &drawing{}
	d.table(t)
	return template.HTML(d.String()) //nolint:gosec // every text went through text()
}

func (d *drawing) table(t Table) {
	if len(t.Rows) == 0 {
		if t.None != "" {
			d.WriteString(`<p class="hint">` + text(t.None) + `</p>`)
		}
		return
	}
	d.WriteString(`<details class="behind"><summary>` + text(t.Summary) + `</summary><div class="wide" tabindex="0" role="region" aria-label="` + text(t.Summary) + `"><table><thead><tr>`)
	for _, name := range t.Head {
		d.WriteString(`<th scope="col">` + text(name) + `</th>`)
	}
	d.WriteString(`</tr></thead><tbody>`)
	for _, row := range t.Rows {
		d.WriteString(`<tr>`)
		for i, cell := range row {
			if i == 0 {
				d.WriteString(`<th scope="row">` + text(cell) + `</th>`)
				continue
			}
			d.WriteString(`<td>` + text(cell) + `</td>`)
		}
		d.WriteString(`</tr>`)
	}
	d.WriteString(`</tbody></table></div></details>`)
}
