package motion

import (
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/stranger"
)

func invalid(key, why string) error { return core.Invalid(key, errors.New(why)) }

// checkLine wants one line that is not empty; key is what is said of any other.
func checkLine(text string, most int, key string) error {
	if text == "" || strings.TrimSpace(text) != text || strings.ContainsAny(text, "\n\r\t") {
		return core.Invalid(key, errors.New("no line")).With("Limit", most)
	}
	return stranger.Check(text, most)
}

// checkProse wants a text of at least so many words.
func checkProse(text string, most, least int, key string) error {
	if strings.TrimSpace(text) != text || len(strings.Fields(text)) < least {
		return core.Invalid(key, errors.New("too short")).With("Least", least)
	}
	return stranger.Check(text, most)
}

// Tidy makes a text as it stands in a document.
func Tidy(text string) string { return stranger.Tidy(text) }
