package credential

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entrechat/internal/core"
)

// Bounds of a password, in characters.
const (
	MinPassword = 10
	MaxPassword = 200
)

// common are what very many passwords are made of, in French and English: one a line, all
// letters, without what people add at both ends.
//
//go:embed common.txt
var common string

// CheckPasswordRules refuses a password that is too short, too long, or that anybody would
// try first: a very common one, one sign or a row of keys again and again, or one of own (the
// person's handle, name, mail address, the hoster's name). Nothing else is asked of it. Returns
// CodeInvalid: "identity.credential.password_short", "password_long", "password_easy".
func CheckPasswordRules(password string, own ...string) error {
	password = norm.NFC.String(password)
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword:
		return core.Invalid("identity.credential.password_short", errors.New("too short")).With("Least", MinPassword)
	case n > MaxPassword || !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return core.Invalid("identity.credential.password_long", errors.New("too long, or no text")).With("Most", MaxPassword)
	case easy(password, own):
		return core.Invalid("identity.credential.password_easy", errors.New("easy to guess"))
	}
	return nil
}

func easy(password string, own []string) bool {
	lower := strings.ToLower(password)
	if plain := period(lower); len(plain) <= 4 || inRow(plain) {
		return true
	}
	for _, mine := range own {
		if mine != "" && lower == strings.ToLower(mine) {
			return true
		}
	}
	for _, middle := range []string{stem(lower), unleet(stem(lower)), stem(unleet(lower))} {
		middle = period(middle)
		if utf8.RuneCountInString(middle) < 4 && utf8.RuneCountInString(lower) < 14 {
			return true // digits and signs around next to nothing, as 12/03/1984
		}
		if known(middle, own) {
			return true
		}
	}
	return false
}

// known says that a word is a common one, or one of the person's own.
func known(word string, own []string) bool {
	for line := range strings.Lines(common) {
		if word == strings.TrimSpace(line) {
			return true
		}
	}
	return slices.ContainsFunc(own, func(mine string) bool {
		mine = stem(strings.ToLower(mine))
		return len(mine) >= 4 && word == mine
	})
}

// stem is a password without the digits and signs at its ends.
func stem(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

// unleet takes figures that stand for letters back.
func unleet(s string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").Replace(s)
}

// period is the shortest text that s repeats.
func period(s string) string {
	for n := 1; n <= len(s)/2; n++ {
		if len(s)%n == 0 && strings.Repeat(s[:n], len(s)/n) == s {
			return s[:n]
		}
	}
	return s
}

// inRow says that s is a run along a keyboard, the alphabet or the digits.
func inRow(s string) bool {
	for _, row := range []string{"01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1q2w3e4r5t6y7u8i9o0p", "1a2z3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb"} {
		if strings.Contains(row, s) || strings.Contains(reverse(row), s) {
			return true
		}
	}
	return false
}

func reverse(s string) string {
	out := []byte(s)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
