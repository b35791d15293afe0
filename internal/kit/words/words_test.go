package words_test

import (
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

func catalogue(t *testing.T) *words.Catalogue {
	t.Helper()
	c, err := words.New(fstest.MapFS{
		"fr.toml": {Data: []byte("[\"t.full\"]\nother = \"Il reste {{.Left}}.\"\n[\"t.n\"]\none = \"{{.Count}} sauvegarde\"\nother = \"{{.Count}} sauvegardes\"\n")},
		"en.toml": {Data: []byte("[\"t.full\"]\nother = \"{{.Left}} left.\"\n[\"t.n\"]\none = \"{{.Count}} backup\"\nother = \"{{.Count}} backups\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSentences(t *testing.T) {
	c := catalogue(t)
	fr, en := c.Printer("de"), c.Printer("en")
	full := core.Full("t.full", errors.New("cause")).With("Left", core.Size(1500*core.MB))
	for _, x := range []struct{ got, want string }{
		{fr.Error(full), "Il reste 1,5\u00a0Go."},
		{en.Error(full), "1.5 GB left."},
		{fr.T("t.n", map[string]any{"Count": 0}), "0 sauvegarde"},
		{en.T("t.n", map[string]any{"Count": 0}), "0 backups"},
		{fr.T("t.none", nil), "⟦t.none⟧"},
		{en.Error(errors.New("disk on fire")), "Something went wrong on our side. (disk on fire)"},
		{en.Ago(core.At(time.Unix(100, 0)), time.Unix(400, 0)), "5\u00a0min ago"},
		{fr.Span(72 * time.Hour), "3 jours"},
		{words.FromAccept("en-GB,fr;q=0.5"), "en"},
		{words.FromAccept("ja"), "fr"},
		{words.DetectLang(func(n string) string { return map[string]string{"LC_ALL": "C", "LANG": "en_US.UTF-8"}[n] }), "en"},
		{words.DetectLang(func(string) string { return "" }), "fr"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}
