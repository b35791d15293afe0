package stranger

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
)

// Tidy makes a text as it is kept: its lines end with \n, nothing stands around it.
func Tidy(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// Check refuses what no person types and what turns a page around: control characters,
// direction marks, tags of Unicode, broken UTF-8. Returns CodeInvalid.
func Check(text string, most int) error {
	if !utf8.ValidString(text) {
		return core.Invalid("assembly.need.bad_signs", errors.New("no UTF-8"))
	}
	if utf8.RuneCountInString(text) > most {
		return core.Invalid("assembly.need.bad_length", errors.New("too long")).With("Limit", most)
	}
	marks := 0
	for _, r := range text {
		if forbidden(r) {
			return core.Invalid("assembly.need.bad_signs", errors.New("a sign that cannot be shown"))
		}
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		if marks > 4 { // letters buried in marks
			return core.Invalid("assembly.need.bad_signs", errors.New("too many marks on one letter"))
		}
	}
	return nil
}

func forbidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == '\u200d' || r == '\u200c': // joiners: emoji, Persian
		return false
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Bidi_Control, r):
		return true
	}
	return r == utf8.RuneError || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// WebLink says whether a link may stand on a page: https, or http, with a host and no
// password.
func WebLink(link string) bool {
	u, err := url.Parse(link)
	return err == nil && len(link) <= 500 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && Check(link, 500) == nil && !strings.ContainsAny(link, " \n\t<>\"")
}
