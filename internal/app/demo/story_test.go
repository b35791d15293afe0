package demo

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
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
