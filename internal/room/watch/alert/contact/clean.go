package contact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes one harmless line of a stranger's text: line breaks and tabs become spaces;
// control characters, what turns the reading direction and what is not UTF-8 go.
func Clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029', r == '\u0085':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// Short is Clean, cut to so many characters.
func Short(s string, most int) string {
	r := []rune(strings.TrimSpace(Clean(s)))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most-1]) + "…"
}
