package app

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
)

// The help of every command is in one language, and names every place and kind of value.
func TestHelpOfEveryCommand(t *testing.T) {
	english := regexp.MustCompile(`(?m)\(default|--\w+ (string|int|strings)\b|^(Usage|Flags|Options|Commands):$|\b(NAME|DIR|DOMAIN|COMMAND|VALUE)\b`)
	for _, lang := range []string{"fr", "en"} {
		p := printer(t, lang)
		l := &cli{out: console.Out{W: &bytes.Buffer{}, Err: &bytes.Buffer{}, P: p}}
		count := 0
		var visit func(c *cobra.Command)
		visit = func(c *cobra.Command) {
			count++
			text := c.UsageString()
			if strings.Contains(text, "⟦") || strings.Contains(text, "<no value>") {
				t.Errorf("%s, %s:\n%s", lang, c.CommandPath(), text)
			}
			if lang == "fr" && english.MatchString(text) {
				t.Errorf("%s says %q:\n%s", c.CommandPath(), english.FindString(text), text)
			}
			for _, below := range c.Commands() {
				visit(below)
			}
		}
		visit(l.root())
		if count < 30 {
			t.Errorf("%d commands only", count)
		}
	}
}
