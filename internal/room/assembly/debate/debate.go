package debate

import (
	"errors"
	"time"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/wording"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/debate/document"
)

const day = 24 * time.Hour

// The bounds of debates.
const (
	Longest    = time.Hour // that users' downtime may last before a debate is proposed
	maxWhat    = 200       // characters of an action
	maxRole    = 60        // characters
	maxActions = 50        // of one debate
	dueWithin  = 2 * 366   // days
	askedFor   = 30 * day  // a reader may take
	shortID    = 10        // signs of an id that people read
)

// What documents say too.
type (
	// Reason is what calls for a debate.
	Reason = document.Reason
	// Story is what happened.
	Story = document.Story
	// Texts are those that people write.
	Texts = document.Texts
)

// State is how far a debate is. Each has a sentence "assembly.debate.state_STATE".
type State string

// The states.
const (
	Draft   State = "draft"
	Public  State = "public"
	Closed  State = "closed"
	Dropped State = "dropped"
)

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

// dueDay is its day as people of a language write it.
func (a Action) dueDay(p *words.Printer) string {
	due, err := time.Parse(time.DateOnly, a.Due)
	if err != nil {
		return a.Due
	}
	return p.Day(core.At(due))
}

func today(now time.Time) string { return now.UTC().Format(time.DateOnly) }

// check refuses an action without role or day: it would be a wish. Returns CodeInvalid.
func (a Action) check(now time.Time) error {
	for _, text := range []string{a.What, a.Role} {
		if err := errors.Join(document.CheckLine(text, maxWhat), wording.Check(text)); err != nil {
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
