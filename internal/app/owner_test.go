package app

import (
	"strings"
	"testing"

	"entrechat/internal/core"
)

// The refusal of another user's node ends with the line to type, and with how to hand the
// node over where there is a way.
func TestTheRefusalOfAnotherUserEndsWithACure(t *testing.T) {
	refused := core.Denied("app.other_user", nil).With("Data", "/srv").With("User", "root").With("Me", "x").With("Line", "sudo y")
	for _, lang := range []string{"fr", "en"} {
		p := printer(t, lang)
		if text := p.Error(refused.With("Cure", "")); !strings.HasSuffix(text, "sudo y") {
			t.Errorf("%s: %q", lang, text)
		}
		if text := p.Error(refused.With("Cure", "chown it")); !strings.HasSuffix(text, "\n  chown it") {
			t.Errorf("%s: %q", lang, text)
		}
	}
}
