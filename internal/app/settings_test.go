package app

import (
	"strings"
	"testing"

	"entrechat/internal/app/config"
	"entrechat/internal/kit/words"
)

// Every key says what it is for, in the language asked.
func TestConfigIsExplainedInBothLanguages(t *testing.T) {
	for lang, said := range map[string]string{"fr": "# Le domaine sous lequel", "en": "# The domain others know"} {
		text, err := config.Default(sections()).Render(printer(t, lang))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), said) || strings.Contains(string(text), "⟦") {
			t.Errorf("%s:\n%s", lang, text)
		}
	}
}

func printer(t *testing.T, lang string) *words.Printer {
	t.Helper()
	c, err := words.New(allWords()...)
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer(lang)
}
