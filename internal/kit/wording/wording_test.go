package wording

import (
	"strings"
	"testing"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

func TestFind(t *testing.T) {
	for text, want := range map[string]Kind{
		"": "",
		"The pad was down from 12:00:00 to 13:01:00 UTC on 2026-11-30; 61 minutes.": "",
		"Du 01.12.2026 08:15 au 01.12.2026 09:20, 3 Go perdus.":                     "",
		"01-12-2026 08-15": "",
		"PostgreSQL 16.4.1 under Debian 12; std::vector, a@b, 3:2, 100 000 000 lines; +20 %": "",
		"Nobody could see that the disk was full: the runbook had no step for it.":           "",
		"The humans were told of the error":                                                  "",
		"write to ana.planted@elsewhere.test":                                                Mail,
		"Ana <ana@bücher.test>,":                                                             Mail,
		"@ana@social.test knows":                                                             Mail,
		"ana (at) elsewhere.test":                                                            Mail,
		"ana[arobase]elsewhere.test":                                                         Mail,
		"on 203.0.113.5.":                                                                    Network,
		"on 203.0.113.5:5432,":                                                               Network,
		"the network 192.168.1.0/24":                                                         Network,
		"from [2001:db8::1]:443":                                                             Network,
		"(fe80::1%eth0)":                                                                     Network,
		"call 06 12 34 56 78":                                                                Phone,
		"call 0612345678!":                                                                   Phone,
		"06.12.34.56.78":                                                                     Phone,
		"06\u00a012\u00a034\u00a056\u00a078":                                                 Phone,
		"+33 6 12 34 56 78":                                                                  Phone,
		"+33 (0)6 12 34 56 78":                                                               Phone,
		"0033612345678":                                                                      Phone,
		"+49-30-1234567":                                                                     Phone,
		"It was a Human  Error.":                                                             Blame,
		"human-error":                                                                        Blame,
		"une erreur\u00a0humaine":                                                            Blame,
		"des ERREURS\nHUMAINES, encore":                                                      Blame,
		"La personne a été négligente":                                                       Blame,
		"erreur de l’opérateur":                                                              Blame,
	} {
		if got, found := Find(text); got != want || (got != "") != (found != "") {
			t.Errorf("%q: %q %q, want %q", text, got, found, want)
		}
		if err := Check(text); (want == "") != (err == nil) || err != nil && core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Every kind has a sentence that says what to write instead, in both languages; the error
// itself, which may be logged, holds nothing of what was found.
func TestSentences(t *testing.T) {
	c, err := words.New(Words, words.Words)
	if err != nil {
		t.Fatal(err)
	}
	for kind, text := range map[Kind]string{Mail: "ana@elsewhere.test", Network: "203.0.113.5", Phone: "0612345678", Blame: "human error"} {
		err := Check("x " + text + " y")
		if err == nil || strings.Contains(err.Error(), text) {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, lang := range []string{words.French, words.English} {
			if says := c.Printer(lang).Error(err); strings.Contains(says, "⟦") || !strings.Contains(says, text) {
				t.Errorf("%s: %s", lang, says)
			}
		}
	}
}

// FuzzFind: whatever stands around, what is planted between blanks is found, and what is
// found stands in the text.
func FuzzFind(f *testing.F) {
	for _, text := range []string{"", "a@b.test", "::", "+", "0033", "\xff@\xff.a", "human", strings.Repeat("(", 300) + "at"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind, found := Find(text)
		if kind != "" && kind != Blame && !strings.Contains(text, found) {
			t.Fatalf("%q: found %q", text, found)
		}
		if !utf8.ValidString(text) {
			return
		}
		for _, planted := range []string{"ana.planted@elsewhere.test", "203.0.113.5", "06 12 34 56 78", "human error"} {
			if kind, _ := Find(text + " \n" + planted + "\n " + text); kind == "" {
				t.Fatalf("%q hides %q", text, planted)
			}
		}
	})
}
