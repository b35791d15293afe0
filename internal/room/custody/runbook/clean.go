package runbook

import (
	"strings"
	"unicode"
)

// clean takes out what nobody sees and what moves a cursor or turns the direction of
// reading; line ends and tabs stay.
func clean(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, ""))
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s)
}
