package demo

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/core"
)

// keys answers the key and the count, as a printer would a sentence.
type keys struct{}

func (keys) T(key string, a map[string]any) string {
	if a["Package"] != nil {
		return key + " " + a["Package"].(string)
	}
	return key
}

// Whoever waits for restic to be built hears of it, without a terminal too.
func TestBuildingSpeaks(t *testing.T) {
	var out strings.Builder
	s := &story{teller: &teller{out: &out, words: keys{}}}
	say := s.building(func(string) {})
	say(lab.Building{})
	for at := range 100 {
		say(lab.Building{Packages: at + 1, Last: "p", Took: time.Duration(at+1) * time.Second})
	}
	if got := strings.Count(out.String(), "demo.build_at p"); got != 6 || strings.Count(out.String(), "demo.build\n") != 1 {
		t.Errorf("in 100 s it spoke %d times:\n%s", got, out.String())
	}
}

// Chapters are chosen by name; a wrong one is refused with those there are.
func TestParseChapters(t *testing.T) {
	for _, c := range []struct{ typed, want []string }{
		{nil, []string{Decision, Watch, Identity, Backup, Custody, Succession}},
		{[]string{"backup", " watch"}, []string{Backup, Watch}},
		{[]string{"watch"}, []string{Watch}},
	} {
		if got, err := ParseChapters(c.typed); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q %v", c.typed, got, err)
		}
	}
	_, err := ParseChapters([]string{"watch", "media"})
	e := &core.Error{}
	if !errors.As(err, &e) || e.Code != core.CodeInvalid || e.Args["Value"] != "media" || e.Args["Known"] != "decision, watch, identity, backup, custody, succession" {
		t.Errorf("%v", err)
	}
}

// In each round everybody is in one pair, and in all of them each meets each other once.
func TestRounds(t *testing.T) {
	met := map[[2]int]bool{}
	for _, round := range rounds(6) {
		busy := map[int]bool{}
		for _, p := range round {
			pair := [2]int{min(p[0], p[1]), max(p[0], p[1])}
			if busy[p[0]] || busy[p[1]] || met[pair] || p[0] == p[1] {
				t.Errorf("%v in %v", p, round)
			}
			busy[p[0]], busy[p[1]], met[pair] = true, true, true
		}
	}
	if len(met) != 15 {
		t.Errorf("%d pairs met", len(met))
	}
}

// What is told of a status page is its first sentence, as a reader sees it.
func TestFirstSentence(t *testing.T) {
	for _, c := range []struct {
		page, sentence string
		well           bool
	}{
		{`<p class="who">x</p><div class="said fine"><h1><span class="state fine">Tout fonctionne.</span></h1>`, "Tout fonctionne.", true},
		{`<h1><span class="state trouble">Pad &amp; wiki ne r&#233;pondent pas.</span></h1>`, "Pad & wiki ne répondent pas.", false},
	} {
		if got, state, err := firstSentence(c.page, "x"); err != nil || got != c.sentence || state == "fine" != c.well {
			t.Errorf("%q %v %v", got, state, err)
		}
	}
	if _, _, err := firstSentence("<h1>Not found</h1>", "x"); err == nil {
		t.Error("a page without a state was read")
	}
}
