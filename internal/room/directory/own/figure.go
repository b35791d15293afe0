package own

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/room/directory/statool"
)

// Figure is the last number of one measure that a file of ours holds.
type Figure struct {
	Service string
	What    string
	Value   string
	Period  string // "2026-03", "2026"
}

// figuresOf are the newest numbers of one file.
func figuresOf(name string, doc *statool.Document) (all []Figure) {
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
		all = append(all, Figure{name, what, strconv.FormatFloat(s.Points[at].Value, 'f', -1, 64), period})
	}
	slices.SortFunc(all, func(a, b Figure) int { return strings.Compare(a.What, b.What) })
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
