package console

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// harmless replaces what a terminal would obey instead of show: control
// characters but line breaks and tabs, and the marks that turn text around.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// columns is how wide a terminal shows text.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
