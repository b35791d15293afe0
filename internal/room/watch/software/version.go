package software

import (
	"strconv"
	"strings"
)

// The bounds of a version.
const (
	maxVersion = 60 // bytes
	maxParts   = 8
	maxDigits  = 15
)

// Version is a version that was read. The zero value is none.
type Version struct {
	parts []uint64 // 29.0.5.1
	pre   []string // rc, 1: it comes before the version without it; nil = none
}

// Parse reads a version as programs write it: an epoch and a leading v do not count, nor
// what a fork or a packager adds ("+glitch", "-1+deb12u3", "-ls120"). What comes before a
// release does ("-rc.1", "~beta2", "0alpha3", "-dev-12-gabc").
func Parse(text string) (v Version, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" || len(text) > maxVersion {
		return Version{}, false
	}
	if epoch, rest, found := strings.Cut(text, ":"); found && digits(epoch) {
		text = rest
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "version "), "v")
	// The numbers.
	for len(v.parts) < maxParts {
		n := 0
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		if n == 0 || n > maxDigits {
			return Version{}, false
		}
		part, err := strconv.ParseUint(text[:n], 10, 64)
		if err != nil {
			return Version{}, false
		}
		v.parts, text = append(v.parts, part), text[n:]
		if len(text) < 2 || text[0] != '.' || text[1] < '0' || text[1] > '9' {
			break
		}
		text = text[1:]
	}
	v.pre = before(text)
	return v, true
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// before reads what makes a version one before its release; nil when nothing does.
func before(rest string) []string {
	rest, _, _ = strings.Cut(rest, "+")
	always := strings.HasPrefix(rest, "~")
	words := pieces(rest)
	if len(words) == 0 {
		return nil
	}
	if _, known := ranks()[words[0]]; !always && !known {
		return nil
	}
	return words
}

// pieces cuts "rc.1", "rc1" and "-rc-1" into rc and 1.
func pieces(text string) (out []string) {
	from, kind := 0, byte(0)
	for i := 0; i <= len(text); i++ {
		is := byte(0)
		if i < len(text) {
			switch c := text[i]; {
			case c >= '0' && c <= '9':
				is = 'n'
			case c >= 'a' && c <= 'z':
				is = 'w'
			}
		}
		if is != kind {
			if kind != 0 {
				out = append(out, text[from:i])
			}
			from, kind = i, is
		}
	}
	return out
}

// ranks order the words that come before a release.
func ranks() map[string]int {
	return map[string]int{"dev": 1, "develop": 1, "git": 1, "snapshot": 2, "nightly": 2, "edge": 2, "alpha": 3, "a": 3, "beta": 4, "b": 4, "pre": 5, "preview": 5, "rc": 6}
}

// Compare answers -1 when v is older than w, 1 when it is newer, 0 when neither is. 1.2
// and 1.2.0 are one version.
func (v Version) Compare(w Version) int {
	for i := range max(len(v.parts), len(w.parts)) {
		if a, b := v.part(i), w.part(i); a != b {
			return order(a < b)
		}
	}
	switch {
	case v.pre == nil && w.pre == nil:
		return 0
	case v.pre == nil || w.pre == nil:
		return order(w.pre == nil)
	}
	for i := range max(len(v.pre), len(w.pre)) {
		if c := piece(v.pre, w.pre, i); c != 0 {
			return c
		}
	}
	return 0
}

func (v Version) part(i int) uint64 {
	if i < len(v.parts) {
		return v.parts[i]
	}
	return 0
}

func order(older bool) int {
	if older {
		return -1
	}
	return 1
}

// piece compares the same piece of two: what has none is older (rc before rc.1), numbers
// come before words, and words go by rank, then by letters.
func piece(v, w []string, i int) int {
	switch {
	case i >= len(v):
		return -1
	case i >= len(w):
		return 1
	case v[i] == w[i]:
		return 0
	}
	a, b := v[i], w[i]
	if digits(a) != digits(b) {
		return order(digits(a))
	}
	if digits(a) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return order(len(a) < len(b))
		}
		return strings.Compare(a, b)
	}
	if ranks()[a] != ranks()[b] {
		return order(ranks()[a] < ranks()[b])
	}
	return strings.Compare(a, b)
}

// branch says whether two versions have their first numbers in common.
func (v Version) branch(w Version, depth int) bool {
	for i := range depth {
		if v.part(i) != w.part(i) {
			return false
		}
	}
	return true
}
