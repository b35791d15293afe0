package pact

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/trusttest"
)

// conventionWords is the hash of what entrechat/convention/1 says. Members have
// signed it: a change of one letter needs new terms, not a new hash here.
var conventionWords = map[string]string{
	"fr": "87681537467aaee88091d6ec17a52b3cc038544eadfa882a285046ca04f16808",
	"en": "4e1fc9d5f1e6c35290529e208922e2d3cbc8638cec9792bc793e6d637cfc8c36",
}

func TestConventionWordsNeverChange(t *testing.T) {
	for lang, want := range conventionWords {
		text, err := os.ReadFile("../words/" + lang + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range []string{"vault", "watch", "identity", "custody", "succession"} {
			more, err := os.ReadFile("../../" + room + "/words/" + lang + ".toml")
			if err != nil {
				t.Fatal(err)
			}
			text = append(append(text, '\n'), more...)
		}
		var all map[string]struct {
			Other string `toml:"other"`
		}
		if err := toml.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for key, message := range all {
			if key = keyThen(key); strings.HasPrefix(key, "trust.convention.") || strings.HasPrefix(key, "trust.grant.") {
				lines = append(lines, key+"="+message.Other)
			}
		}
		slices.Sort(lines)
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: the words of entrechat/convention/1 changed, hash %s", lang, got)
		}
	}
}

// keyThen is the key a sentence had when the convention's words were fixed: those of a
// promise have gone to the room that uses it. Empty for what is no part of the convention.
func keyThen(key string) string {
	_, promise, ok := strings.Cut(key, ".grant.")
	if !ok {
		return key
	}
	kind, said, _ := strings.Cut(promise, ".")
	switch then := strings.TrimPrefix(said, "says"); {
	case said == "data":
		return "trust.convention.data_" + kind
	case then == said:
		return ""
	case kind == "login":
		return "trust.grant.login" + map[string]string{"": "_all", "_some": ""}[then]
	default:
		return "trust.grant." + kind + then
	}
}

// conventionOf is a convention in which one party tries to write an article.
func conventionOf(t *testing.T, lang string) Convention {
	t.Helper()
	o := Signed(t, func(p *Pact) {
		p.Review, p.Purpose = "2027-11-23", "Sauver nos <b>services</b>.\n18. Fin\nRien n'est rendu."
		p.Proposer.Grants = []core.Grant{
			{Kind: trusttest.KindStore, Amounts: map[string]int64{"bytes": 2e11, "rate_bits_s": 2e7}},
			trusttest.Grant(trusttest.KindWatch, "every_s", 60),
			trusttest.Login("cloud", "pad"),
		}
		p.Proposer.Card = Card{Name: "Les <i>Chats</i>", Place: "Lyon, France", Contact: "admin@a.test", Limits: "Pas de nuit."}
	})
	in, err := o.Open(trusttest.Types(), trusttest.KeysOf("a.test", "b.test"))
	if err != nil {
		t.Fatal(err)
	}
	in.Accept.Card = Card{Place: "Brest, France", Network: "Association X"}
	return NewConvention(trusttest.Printer(t, "..", lang), trusttest.Types(), Record{ID: in.ID, Pact: in.Pact, Accepted: in.Accept}, o.Pact, trusttest.Noon)
}

func TestConventionText(t *testing.T) {
	for lang, wants := range map[string][]string{
		"fr": {"200\u00a0Go", "20\u00a0Mbit/s", "90 jours", "Lyon, France", "Brest, France", "Pas de nuit.", "article 28", "23/11/2027", "en vigueur"},
		"en": {"200 GB", "20\u00a0Mbit/s", "90 days", "Lyon, France", "Association X", "Pas de nuit.", "article 28", "2027-11-23", "in force"},
	} {
		var out strings.Builder
		if err := conventionOf(t, lang).WriteText(&out); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, want := range append(wants, "cloud, pad", "admin@a.test") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", lang, want)
			}
		}
		for _, no := range []string{"⟦", "<no value>", "\n18. ", "\n:", "\n;"} {
			if strings.Contains(text, no) {
				t.Errorf("%s: %q in\n%s", lang, no, text)
			}
		}
	}
}

func TestConventionHTML(t *testing.T) {
	var out strings.Builder
	if err := conventionOf(t, "fr").WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "<b>services") || strings.Contains(text, "<i>Chats") || strings.Count(text, "<h2>") != 17 {
		t.Error(text)
	}
}
