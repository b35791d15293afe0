// Package wording looks through what is about to be published after a failure: roles instead
// of names, causes instead of guilt. It finds what is written by accident, not what somebody
// hides on purpose.
//
// Source: docs/spec/debate.md#wording
package wording

import (
	"embed"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"entrechat/internal/core"
)

// Words are this kit's sentences.
//
//go:embed words/*.toml
var Words embed.FS

// Kind says what was found. The zero value is nothing.
type Kind string

// The kinds. Each has a sentence "wording.KIND" that says what to write instead.
const (
	Mail    Kind = "mail"    // an address of mail, or an account of the fediverse
	Network Kind = "network" // an IP address
	Phone   Kind = "phone"
	Blame   Kind = "blame" // somebody's fault in the place of a cause
)

// Check refuses a text that names a person or a machine, or blames somebody. Returns
// CodeInvalid "wording." + kind, with what was found as Found; the error's own text does not
// hold it.
// spec: docs/spec/debate.md#wording
func Check(text string) error {
	if kind, found := Find(text); kind != "" {
		return core.Invalid("wording."+string(kind), errors.New("the wording: "+string(kind))).With("Found", found)
	}
	return nil
}

// Find is the first thing that Check refuses, as it stands in the text; of blame the words as
// they are known here.
func Find(text string) (kind Kind, found string) {
	if m := mailAddress.FindString(text); m != "" {
		return Mail, m
	}
	if m := hiddenAt.FindString(text); m != "" {
		return Mail, m
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()<>,;\"'`«»=|", r) }) {
		if isAddress(word) {
			return Network, word
		}
	}
	if m := phone(text); m != "" {
		return Phone, m
	}
	plain := " " + plainWords(text) + " "
	for _, words := range blame() {
		if strings.Contains(plain, " "+words+" ") {
			return Blame, words
		}
	}
	return "", ""
}

var (
	mailAddress = regexp.MustCompile(`[^\s@<>(),;:"]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+`)
	hiddenAt    = regexp.MustCompile(`(?i)[^\s(\[]+\s*[(\[]\s*(?:at|arobase|@)\s*[)\]]\s*[^\s)\]]+`)
	// A number with its country, and a national one of France and its neighbours, all of it
	// with one kind of gap, so that dates and times are none.
	international = regexp.MustCompile(`(?:\+|\b00)[1-9](?:[ .\-\x{a0}\x{202f}]?\(?\d\)?){7,14}`)
	national      = regexp.MustCompile(`\b0[1-9](?:\d{8}|(?: \d\d){4}|(?:\.\d\d){4}|(?:-\d\d){4}|(?:[\x{a0}\x{202f}]\d\d){4})\b`)
)

func phone(text string) string {
	if m := national.FindString(text); m != "" {
		return m
	}
	return international.FindString(text)
}

// isAddress says whether a word is an IP address, alone, with its port or its network.
func isAddress(word string) bool {
	word = strings.TrimRight(word, ".:!?")
	for _, host := range []string{word, strings.Trim(word, "[]")} {
		if _, err := netip.ParseAddr(host); err == nil {
			return true
		}
	}
	if _, err := netip.ParseAddrPort(word); err == nil {
		return true
	}
	_, err := netip.ParsePrefix(word)
	return err == nil
}

// blame are words, as plainWords writes them, that name a fault in the place of a cause.
func blame() []string {
	return []string{
		"human error", "human errors", "human failure", "human mistake", "operator error", "operator errors", "user error", "user errors", "admin error", "pilot error", "to blame", "culprit",
		"careless", "carelessness", "incompetent", "incompetence", "negligence", "negligent", "stupid", "stupidity", "idiot", "should have known", "should have paid attention",
		"erreur humaine", "erreurs humaines", "faute humaine", "fautes humaines", "defaillance humaine", "erreur de manipulation", "erreurs de manipulation", "erreur de l operateur", "erreur d operateur", "erreur utilisateur",
		"incompetente", "incompetents", "negligente", "maladresse", "coupable", "coupables", "fautif", "fautive", "stupide", "idiote", "aurait du savoir", "aurait du faire attention", "par la faute de", "c est la faute", //nolint:misspell // French
	}
}

// plainWords is a text as words in small letters without accents, one blank between two.
func plainWords(text string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
	return strings.Join(strings.FieldsFunc(bare, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}), " ")
}
