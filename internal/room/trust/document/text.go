package document

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
)

// Longest texts a document may carry, in bytes.
const (
	MaxLine  = 200
	MaxProse = 4000
)

// CheckLine refuses what could not stand on one line of a terminal or a page:
// control characters, line ends and direction marks could make a signed text
// read as another one.
func CheckLine(field, s string) error {
	if len(s) > MaxLine || !utf8.ValidString(s) || s != strings.TrimSpace(s) || strings.ContainsFunc(s, unfit) {
		return badField(field, s)
	}
	return nil
}

// CheckProse is checkLine for several lines.
func CheckProse(field, s string, limit int) error {
	unfitLine := func(r rune) bool { return r != '\n' && unfit(r) }
	if len(s) > limit || !utf8.ValidString(s) || strings.ContainsFunc(s, unfitLine) {
		return badField(field, s)
	}
	return nil
}

func unfit(r rune) bool { return !unicode.IsGraphic(r) }

func badField(field, s string) error {
	return core.Invalid("trust.bad_text", fmt.Errorf("%s: %.40q is too long or holds control characters", field, s)).
		With("Field", field)
}

// TidyProse makes a typed or read text fit for checkProse where nothing is lost
// by it: line ends, tabs, spaces around.
func TidyProse(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ", "\ufeff", "").Replace(s)
	return strings.TrimSpace(s)
}
