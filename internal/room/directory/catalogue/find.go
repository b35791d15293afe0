package catalogue

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// PageSize is how many services or hosters one page of a result holds.
const PageSize = 30

// maxTerms bounds how many words of a search count.
const maxTerms = 8

// Query is what a visitor looks for. The zero value finds everything.
type Query struct {
	Text           string   // words; each must begin one of the listing's words
	Kind           Kind     // "" = any
	Software       string   // "" = any; case and punctuation do not matter
	Language       string   // ISO 639-1; "" = any
	Town           string   // "" = any
	Country        string   // ISO 3166-1 alpha-2; "" = any
	Open           bool     // takes newcomers
	WithoutAccount bool     // of use without an account
	Usable         bool     // takes newcomers, or is of use without an account
	Hosters        []string // only of these; nil = of all
	Page           int      // from 0
	// Day turns the order: see Store.Find.
	Day time.Time
}

// Result is one page of what was found.
type Result struct {
	Total    int // on all pages
	Services []Found
}

// Found is one service and whose it is.
type Found struct {
	Service Service
	Hoster  Hoster
}

// term is one word that a service must have: whole, or as a beginning.
type term struct {
	word   string
	prefix bool
}

// terms are the words of a query.
func (q Query) terms() []term {
	var all []term
	if q.Language != "" {
		all = append(all, term{word: "lang:" + strings.ToLower(q.Language)})
	}
	if q.Town != "" {
		all = append(all, term{word: "in:" + strings.Join(Fold(q.Town), " ")})
	}
	words := Fold(q.Text)
	for _, w := range words[:min(len(words), maxTerms)] {
		all = append(all, term{w, true})
	}
	return all
}

// maxWord bounds a word that is stored, in bytes.
const maxWord = 40

// Fold cuts a text into the words that are compared: without case, accents and
// punctuation.
func Fold(text string) []string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(text))
	words := strings.Fields(plain)
	for i, w := range words {
		if len(w) > maxWord {
			words[i] = strings.ToValidUTF8(w[:maxWord], "")
		}
	}
	return words
}

// program is a program's name as it is compared.
func program(name string) string { return strings.Join(Fold(name), "") }

// wordsOf are all words by which a service is found: its own and its hoster's.
func wordsOf(s Service, h Hoster) []string {
	words := Fold(strings.Join([]string{s.Name, s.About, s.Software, s.Town, h.Name, h.Town}, " "))
	words = append(words, Fold(strings.Join(s.Kind.names(), " "))...)
	if h.Author.Source == FromLog {
		words = append(words, Fold(h.Author.Key)...)
	}
	for _, lang := range s.Languages {
		words = append(words, "lang:"+strings.ToLower(lang))
	}
	for _, town := range []string{s.Town, h.Town} {
		if town != "" {
			words = append(words, "in:"+strings.Join(Fold(town), " "))
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// numberOf is a number that nobody can choose, and that stays: the service's row,
// and its place in orders that rank nobody.
func numberOf(hoster, slug string) int64 {
	sum := sha256.Sum256([]byte(hoster + "\x00" + slug))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1) // 63 bits
}

// turnOf is the number by which orders turn on a day: dividing by another number
// shuffles anew, the same for every visitor and every page of the day.
func turnOf(day time.Time) int64 {
	return 1_000_003 + 2*(day.Unix()/int64(24*time.Hour/time.Second)%10_000)
}
