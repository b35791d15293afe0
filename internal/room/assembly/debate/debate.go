package debate

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/wording"
	"entrechat/internal/room/assembly/need"
)

const day = 24 * time.Hour

// The bounds of debates.
const (
	Longest     = time.Hour // that users' downtime may last before a debate is proposed
	maxTitle    = 120       // characters
	maxStory    = 4000      // bytes of each text of a story
	maxQuestion = 1000      // characters
	maxNote     = 2000      // characters of what a reader says
	maxRemark   = 4000      // characters
	maxWhat     = 200       // characters of an action
	maxRole     = 60        // characters
	maxActions  = 50        // of one debate
	dueWithin   = 2 * 366   // days
	askedFor    = 30 * day  // a reader may take
	shortID     = 10        // signs of an id that people read
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

// State is how far a debate is. Each has a sentence "assembly.debate.state_STATE".
type State string

// The states.
const (
	Draft   State = "draft"
	Public  State = "public"
	Closed  State = "closed"
	Dropped State = "dropped"
)

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
		{"what", &s.What}, {"whom", &s.Whom}, {"programs", &s.Programs}, {"companies", &s.Companies}, {"people", &s.People},
		{"power", &s.Power}, {"network", &s.Network}, {"without", &s.Without}, {"change", &s.Change},
	}
}

// storyOf is a story of texts by their names; other names are passed over.
func storyOf(texts map[string]string) (s Story) {
	for _, p := range s.Parts() {
		*p.Text = need.Tidy(texts[p.Name])
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

// check refuses texts that cannot be shown; whole: what may not be empty is there. Returns
// CodeInvalid.
func (t Texts) check(whole bool) error {
	if t.Lang != "fr" && t.Lang != "en" {
		return core.Invalid("assembly.debate.bad_lang", errors.New("a language that is none of ours"))
	}
	if err := errors.Join(checkLine(t.Title, maxTitle), need.CheckText(t.Question, maxQuestion)); err != nil {
		return err
	}
	for _, p := range t.Story.Parts() {
		if len(*p.Text) > maxStory {
			return core.Invalid("assembly.debate.bad_long", errors.New("too long")).With("Limit", maxStory)
		}
		if err := need.CheckText(*p.Text, maxStory); err != nil {
			return err
		}
	}
	if whole && (t.Title == "" || t.Story.What == "" || t.Question == "") {
		return core.Invalid("assembly.debate.bad_empty", errors.New("a title, what happened or the question is missing"))
	}
	return nil
}

// checkWording refuses names, machines and guilt. Returns CodeInvalid with what to write
// instead.
func (t Texts) checkWording() error {
	all := []string{t.Title, t.Question}
	for _, p := range t.Story.Parts() {
		all = append(all, *p.Text)
	}
	for _, text := range all {
		if err := wording.Check(text); err != nil {
			return err
		}
	}
	return nil
}

func (t Texts) tidy() Texts {
	t.Title, t.Question = need.Tidy(t.Title), need.Tidy(t.Question)
	for _, p := range t.Story.Parts() {
		*p.Text = need.Tidy(*p.Text)
	}
	return t
}

func checkLine(text string, most int) error {
	if strings.Contains(text, "\n") {
		return core.Invalid("assembly.debate.bad_line", errors.New("several lines"))
	}
	return need.CheckText(text, most)
}

// Debate is what follows one of our incidents.
type Debate struct {
	ID       string `json:"id"`
	Incident string `json:"incident,omitempty"` // of the watch; empty = none
	Reason   Reason `json:"reason"`
	State    State  `json:"state"`
	Texts
	From  core.Moment   `json:"from_us,omitzero"`
	Until core.Moment   `json:"until_us,omitzero"`
	Down  time.Duration `json:"-"` // 0 = not measured
	// Reader is the member that was asked to read it, or read it; Note what it said.
	Reader    core.MemberID `json:"reader,omitempty"`
	Asked     core.Moment   `json:"asked_us,omitzero"`
	Read      core.Moment   `json:"read_us,omitzero"` // 0 = nobody did
	Note      string        `json:"note,omitempty"`
	Doc       string        `json:"doc,omitempty"` // id of the question
	Made      core.Moment   `json:"made_us"`
	Published core.Moment   `json:"public_us,omitzero"`
	Ended     core.Moment   `json:"closed_us,omitzero"`
	Actions   []Action      `json:"actions"`
	Remarks   []Remark      `json:"remarks"`
	// Withdrawn: title, story and question were taken down.
	Withdrawn bool `json:"withdrawn,omitempty"`

	origin, report, reading string
}

// OpenActions are those that are not done.
func (d Debate) OpenActions() (open int) {
	for _, a := range d.Actions {
		if a.Done == 0 {
			open++
		}
	}
	return open
}

// Action is what changes.
type Action struct {
	ID     string      `json:"id"`
	Debate string      `json:"debate"`
	What   string      `json:"what"`
	Role   string      `json:"role"` // who does it, never a person's name
	Due    string      `json:"due"`  // 2026-12-24
	Link   string      `json:"link,omitempty"`
	Made   core.Moment `json:"made_us"`
	Done   core.Moment `json:"done_us,omitzero"` // 0 = open
}

// Late says that it is open after its day.
func (a Action) Late(now time.Time) bool { return a.Done == 0 && a.Due < today(now) }

func today(now time.Time) string { return now.UTC().Format(time.DateOnly) }

// check refuses an action without role or day: it would be a wish. Returns CodeInvalid.
func (a Action) check(now time.Time) error {
	for _, text := range []string{a.What, a.Role} {
		if err := errors.Join(checkLine(text, maxWhat), wording.Check(text)); err != nil {
			return err
		}
	}
	if a.What == "" || a.Role == "" || a.Due == "" || utf8.RuneCountInString(a.Role) > maxRole {
		return core.Invalid("assembly.debate.bad_action", errors.New("an action without what, role or day"))
	}
	due, err := time.Parse(time.DateOnly, a.Due)
	if err != nil || a.Due < today(now) || due.After(now.AddDate(0, 0, dueWithin)) {
		return core.Invalid("assembly.debate.bad_due", errors.New("no such day, or too far away"))
	}
	return nil
}

// Standing is what a person here said of a remark. The zero value is nothing yet.
type Standing string

// The standings.
const (
	Waiting Standing = ""
	Shown   Standing = "shown"
	Refused Standing = "refused"
)

// Remark is what a member answered to a question.
type Remark struct {
	ID       string        `json:"id"`
	Member   core.MemberID `json:"member"`
	Debate   string        `json:"debate"` // id of the question
	Lang     string        `json:"lang,omitempty"`
	Text     string        `json:"text,omitempty"` // empty while it has not come, and once it is gone
	Standing Standing      `json:"standing"`
	Became   string        `json:"became,omitempty"` // need, action
	At       core.Moment   `json:"at_us"`
	Gone     bool          `json:"withdrawn,omitempty"`
}

// ready says whether a person can say something of it.
func (r Remark) ready() bool { return r.Text != "" && !r.Gone }

// Called says whether a measured outage calls for a debate.
// spec: docs/spec/debate.md#when
func Called(down time.Duration) bool { return down > Longest }

func known(r Reason) bool { return slices.Contains(Reasons(), r) }
