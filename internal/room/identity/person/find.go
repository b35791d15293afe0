package person

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// has says whether a person has the part in handle, name or mail, whatever the case and the
// accents: "emile" finds Émile, and so does "ÉMILE".
func (f Filter) has(p Person) bool {
	part := folded(f.Part)
	return strings.Contains(p.Handle, part) || strings.Contains(folded(p.Name), part) || strings.Contains(folded(p.Mail), part)
}

// folded is a text without case and accents.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(cases.Fold().String(s)))
}
