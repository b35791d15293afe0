package demo

import (
	"errors"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// Chapters of the story, in the order in which they are told. Each stands on hosters that
// know each other and signed pacts.
const (
	Watch    = "watch"    // a service fails, then its owner's node: who hears of it, and when
	Decision = "decision" // the seven decide: an objection is lifted, and all count alike
	Identity = "identity" // a person of one hoster at a service of another, and her home moves
	Backup   = "backup"   // two members fail, then the owner loses everything
	Custody  = "custody"  // the owner's words are gone too: three of five bring them back
	// Succession: a hoster vanishes; its people read their data at the one it named, which takes over.
	Succession = "succession"
)

// Chapters are all of them.
func Chapters() []string { return []string{Decision, Watch, Identity, Backup, Custody, Succession} }

// ParseChapters reads what a person chose. Returns CodeInvalid, naming those there are.
func ParseChapters(typed []string) ([]string, error) {
	chosen := make([]string, 0, len(typed))
	for _, name := range typed {
		name = strings.TrimSpace(name)
		if !slices.Contains(Chapters(), name) {
			return nil, core.Invalid("demo.bad_chapter", errors.New("no such chapter")).With("Value", name).With("Known", strings.Join(Chapters(), ", "))
		}
		chosen = append(chosen, name)
	}
	if len(chosen) == 0 {
		return Chapters(), nil
	}
	return chosen, nil
}

// tells says whether a chapter was chosen.
func (s *story) tells(chapter string) bool { return slices.Contains(s.opt.Chapters, chapter) }
