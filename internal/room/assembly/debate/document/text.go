package document

import (
	"errors"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/wording"
	"entrechat/internal/room/assembly/stranger"
)

// The bounds of texts.
const (
	MaxTitle    = 120  // characters
	MaxStory    = 4000 // bytes of each text of a story
	MaxQuestion = 1000 // characters
	MaxNote     = 2000 // characters of what a reader says
	MaxRemark   = 4000 // characters
)

// Reason is what calls for a debate. Each has a sentence "assembly.debate.reason_REASON".
type Reason string

// The reasons.
const (
	Downtime Reason = "downtime"
	Data     Reason = "data"    // data was lost
	Privacy  Reason = "privacy" // somebody saw what was not for them
	Custody  Reason = "custody" // a box was opened
	Drill    Reason = "drill"   // one failed
	Other    Reason = "other"
)

// Reasons are all of them, in the order of a form.
func Reasons() []Reason { return []Reason{Downtime, Data, Privacy, Custody, Drill, Other} }

// Known says whether there is such a reason.
func Known(r Reason) bool { return slices.Contains(Reasons(), r) }

// Story is what happened, by the names of a postmortem's texts; empty ones are left out.
// spec: docs/spec/debate.md#reading
type Story struct {
	What      string `json:"what,omitempty"`
	Whom      string `json:"whom,omitempty"`
	Programs  string `json:"programs,omitempty"`
	Companies string `json:"companies,omitempty"`
	People    string `json:"people,omitempty"`
	Power     string `json:"power,omitempty"`
	Network   string `json:"network,omitempty"`
	Without   string `json:"without,omitempty"`
	Change    string `json:"change,omitempty"`
}

// Part is one text of a story with its name.
type Part struct {
	Name string
	Text *string
}

// Parts are the texts in the order people are asked.
func (s *Story) Parts() []Part {
	return []Part{
		{"what", &s.What},
		{"whom", &s.Whom},
		{"programs", &s.Programs},
		{"companies", &s.Companies},
		{"people", &s.People},
		{"power", &s.Power},
		{"network", &s.Network},
		{"without", &s.Without},
		{"change", &s.Change},
	}
}

// StoryOf is a story of texts by their names; other names are passed over.
func StoryOf(texts map[string]string) (s Story) {
	for _, p := range s.Parts() {
		*p.Text = stranger.Tidy(texts[p.Name])
	}
	return s
}

// Texts are those of a debate that people write.
type Texts struct {
	Lang     string `json:"lang"` // fr or en
	Title    string `json:"title"`
	Story    Story  `json:"story"`
	Question string `json:"question"`
}

// Check refuses texts that cannot be shown; whole: what may not be empty is there. Returns
// CodeInvalid.
func (t Texts) Check(whole bool) error {
	if t.Lang != "fr" && t.Lang != "en" {
		return core.Invalid("assembly.debate.bad_lang", errors.New("a language that is none of ours"))
	}
	if err := errors.Join(CheckLine(t.Title, MaxTitle), stranger.Check(t.Question, MaxQuestion)); err != nil {
		return err
	}
	for _, p := range t.Story.Parts() {
		if len(*p.Text) > MaxStory {
			return core.Invalid("assembly.debate.bad_long", errors.New("too long")).With("Limit", MaxStory)
		}
		if err := stranger.Check(*p.Text, MaxStory); err != nil {
			return err
		}
	}
	if whole && (t.Title == "" || t.Story.What == "" || t.Question == "") {
		return core.Invalid("assembly.debate.bad_empty", errors.New("a title, what happened or the question is missing"))
	}
	return nil
}

// CheckWording refuses names, machines and guilt. Returns CodeInvalid with what to write
// instead.
func (t Texts) CheckWording() error {
	parts := t.Story.Parts()
	all := append(make([]string, 0, 2+len(parts)), t.Title, t.Question)
	for _, p := range parts {
		all = append(all, *p.Text)
	}
	for _, text := range all {
		if err := wording.Check(text); err != nil {
			return err
		}
	}
	return nil
}

// Tidy makes texts as they are kept.
func (t Texts) Tidy() Texts {
	t.Title, t.Question = stranger.Tidy(t.Title), stranger.Tidy(t.Question)
	for _, p := range t.Story.Parts() {
		*p.Text = stranger.Tidy(*p.Text)
	}
	return t
}

// CheckLine is stranger.Check for a text of one line.
func CheckLine(text string, most int) error {
	if strings.Contains(text, "\n") {
		return core.Invalid("assembly.debate.bad_line", errors.New("several lines"))
	}
	return stranger.Check(text, most)
}
