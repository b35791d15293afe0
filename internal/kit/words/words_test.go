package words_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
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
	full := core.Full("t.full", errors.New("cause")).With("Left", 1500*core.MB)
	for _, x := range []struct{ got, want string }{
		{fr.Error(full), "Il reste 1,5\u00a0Go."},
		{en.Error(full), "1.5 GB left."},
		{fr.T("t.n", map[string]any{"Count": 0}), "0 sauvegarde"},
		{en.T("t.n", map[string]any{"Count": 0}), "0 backups"},
		{fr.T("t.none", nil), "⟦t.none⟧"},
		{en.Error(errors.New("disk on fire")), "Something went wrong on our side. (disk on fire)"},
		{en.Ago(core.At(time.Unix(100, 0)), time.Unix(400, 0)), "5\u00a0min ago"},
		{fr.Span(72 * time.Hour), "3 jours"},
		{fr.T("t.n", map[string]any{"Count": 1_000_000}), "1000000 sauvegardes"},
		{fr.T("t.full", nil), "Il reste ⟦?⟧."},
		{fr.T("t.full", map[string]any{"Left": 90 * time.Second}), "Il reste 1\u00a0min."},
		{en.Error(core.Denied("newer.key", errors.New("no vouch"))), "This is not allowed. (no vouch)"},
		{en.Error(core.Denied("newer.key", nil)), "This is not allowed. (⟦newer.key⟧)"},
		{en.Error(core.Internal("t.full", errors.New("bug"))), "⟦?⟧ left. (bug)"},
		{fr.Error(nil), ""},
		{fr.Ago(0, time.Unix(0, 0)), "jamais"},
		{fr.Ago(core.At(time.Unix(7300, 0)), time.Unix(100, 0)), "dans 2\u00a0h"},
		{fr.Pair("a", "b"), "a\u00a0: b"},
		{en.Pair("a", "b"), "a: b"},
		{fr.Percent(0.9996), "99,9\u00a0%"},
		{en.Percent(1), "100%"},
		{en.Percent(0.58), "58%"},
		{fr.Date(core.At(time.Unix(0, 1000))), "01/01/1970 00:00 UTC"},
		{en.Day(core.At(time.Unix(86400, 0))), "1970-01-02"},
		{words.FromAccept("en-GB,fr;q=0.5"), "en"},
		{words.FromAccept("ja"), "fr"},
		{words.DetectLang(func(n string) string { return map[string]string{"LC_ALL": "C", "LANG": "en_US.UTF-8"}[n] }), "en"},
		{words.DetectLang(func(n string) string { return map[string]string{"LC_ALL": "C", "LANG": "fr_FR.UTF-8"}[n] }), "en"},
		{words.DetectLang(func(n string) string { return map[string]string{"LANG": "C.UTF-8"}[n] }), "en"},
		{words.DetectLang(func(n string) string { return map[string]string{"LANG": "POSIX"}[n] }), "en"},
		{words.DetectLang(func(string) string { return "" }), "fr"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

func TestBrokenCatalogueIsRefused(t *testing.T) {
	for name, text := range map[string]string{"no toml": "[[", "no message": "x = 3"} {
		if _, err := words.New(fstest.MapFS{"words/fr.toml": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// FuzzFromAccept: the header comes from any browser.
func FuzzFromAccept(f *testing.F) {
	f.Add("fr-FR,fr;q=0.8,en;q=0.5")
	f.Add("*;q=,,;")
	f.Fuzz(func(t *testing.T, header string) {
		if lang := words.FromAccept(header); lang != words.French && lang != words.English {
			t.Errorf("%q gave %q", header, lang)
		}
	})
}

// TestFrenchSpaces keeps each sign with the word it belongs to, in sentences and not in
// commands, in what is filled in, or in English.
func TestFrenchSpaces(t *testing.T) {
	const sentence = "{{$n := .Name}}« {{$n}} » : où ? Là ! 3 % ; `a ; b`, https://x.test:80"
	c, err := words.New(fstest.MapFS{
		"fr.toml": {Data: []byte("[\"t.s\"]\none = \"un : {{.Count}}\"\nother = \"" + sentence + "\"\n")},
		"en.toml": {Data: []byte("[\"t.s\"]\nother = \"" + sentence + "\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	fr, name := c.Printer(words.French), map[string]any{"Name": "a ; b"}
	for _, x := range []struct{ got, want string }{
		{fr.T("t.s", name), "«\u00a0a ; b\u00a0»\u00a0: où\u00a0? Là\u00a0! 3\u00a0%\u00a0; `a ; b`, https://x.test:80"},
		{fr.T("t.s", map[string]any{"Count": 1}), "un\u00a0: 1"},
		{c.Printer(words.English).T("t.s", name), "« a ; b » : où ? Là ! 3 % ; `a ; b`, https://x.test:80"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
}

// TestSaidAtOnce: many printers say sentences for the first time at the same moment.
func TestSaidAtOnce(t *testing.T) {
	c := catalogue(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			p := c.Printer([]string{words.French, words.English}[i%2])
			for n := range 100 {
				if got := p.T("t.n", map[string]any{"Count": n}); !strings.HasPrefix(got, strconv.Itoa(n)+" ") {
					t.Errorf("got %q", got)
				}
				p.T("words.days", map[string]any{"Count": n})
			}
		})
	}
	wg.Wait()
}
