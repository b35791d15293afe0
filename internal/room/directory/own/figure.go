package own

import (
	"fmt"
	"slices"
	"strconv"

	"entrechat/internal/room/directory/statool"
)

// Figure is the last number of one measure that a file of ours holds.
type Figure struct {
	Service string
	What    string
	Value   string
	Period  string // "2026-03", "2026"
}

// Figures are the newest numbers of our services' files, in the files' words.
func Figures(own []File) (all []Figure) {
	for _, f := range own {
		doc, err := statool.Parse(f.Text)
		if err != nil || f.Name == HosterName {
			continue
		}
		labels, newest := doc.Labels(), map[string]statool.Series{}
		for _, s := range doc.Series() {
			if had, ok := newest[s.Path]; (!ok || s.Year > had.Year || s.Year == had.Year && s.Span == statool.Months) && lastOf(s) >= 0 {
				newest[s.Path] = s
			}
		}
		for path, s := range newest {
			at, what := lastOf(s), labels[path].Name
			if what == "" {
				what = path
			}
			period := strconv.Itoa(s.Year)
			if s.Span == statool.Months {
				period = fmt.Sprintf("%d-%02d", s.Year, at+1)
			}
			all = append(all, Figure{f.Name, what, strconv.FormatFloat(s.Points[at].Value, 'f', -1, 64), period})
		}
	}
	slices.SortFunc(all, func(a, b Figure) int { return slices.Compare([]string{a.Service, a.What}, []string{b.Service, b.What}) })
	return all
}

// lastOf is the place of the last number of a series, -1 for none.
func lastOf(s statool.Series) int {
	for i, p := range slices.Backward(s.Points) {
		if p.Known {
			return i
		}
	}
	return -1
}
