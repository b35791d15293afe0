package imports

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"entrechat/internal/room/identity/person"
)

func itoa(n int) string { return strconv.Itoa(n) }

// unaccented takes marks off letters: "Élise" is "Elise".
func unaccented(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(strings.NewReplacer("œ", "oe", "Œ", "Oe", "æ", "ae", "Æ", "Ae", "ß", "ss", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L").Replace(s)))
}

// propose makes a handle of what a directory calls somebody, one that free takes; empty
// when there is none.
func propose(uid string, free func(handle string) (bool, error)) (string, error) {
	if handle, err := person.ParseHandle(uid); err == nil {
		if ok, err := free(handle); ok || err != nil {
			return handle, err
		}
	}
	base := shape(uid)
	if base == "" {
		return "", nil
	}
	for n := 1; n < 100; n++ {
		text := base
		if n > 1 {
			digits := strconv.Itoa(n)
			text = strings.TrimRight(base[:min(len(base), 30-len(digits))], "._-") + digits
		}
		handle, err := person.ParseHandle(text)
		if err != nil {
			continue // reserved
		}
		if ok, err := free(handle); ok || err != nil {
			return handle, err
		}
	}
	return "", nil
}

// shape makes the form of a handle: letters and digits, a letter first, single signs between.
func shape(uid string) string {
	if before, _, ok := strings.Cut(uid, "@"); ok && before != "" {
		uid = before
	}
	var out strings.Builder
	sign := true
	for _, r := range strings.ToLower(unaccented(uid)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && out.Len() > 0:
			out.WriteRune(r)
			sign = false
		case r >= '0' && r <= '9': // before the first letter
		case !sign && r > ' ' && strings.ContainsRune("._-", r):
			out.WriteRune(r)
			sign = true
		case !sign:
			out.WriteRune('.')
			sign = true
		}
	}
	text := strings.TrimRight(out.String()[:min(out.Len(), 30)], "._-")
	if _, err := person.ParseHandle(text); err != nil && strings.Contains(text, "-") {
		// A sign after the last dot is how visitors are called.
		text = strings.ReplaceAll(text, "-", "_")
	}
	if len(text) < 2 {
		return ""
	}
	return text
}
