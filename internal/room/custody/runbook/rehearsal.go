package runbook

import (
	"errors"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
)

const (
	// keeps is how long a rehearsal counts.
	keeps = 365 * 24 * time.Hour
	// longest is how long a rehearsal may be open.
	longest = 7 * 24 * time.Hour
	// maxDefect is the characters of what somebody says of a defect.
	maxDefect = 500
)

// ID names a runbook: it stays when the text changes.
type ID string

// Runbook is one text, as the repository had it when it was last pulled.
type Runbook struct {
	ID      ID
	Source  string
	Path    string
	Title   string
	Text    string
	Commit  string
	Changed core.Moment
	Authors []Author
}

// Name is what commands and pages call the runbook: its path without the ending.
func (r Runbook) Name() string { return r.Path[:max(0, len(r.Path)-len(".md"))] }

// Person is who may read a runbook, as the room's cards know them.
type Person struct{ ID, Name, Mail string }

// Wrote says whether a person is an author: by mail address, or by name.
func (r Runbook) Wrote(p Person) bool {
	same := func(a, b string) bool {
		a, b = strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " ")
		return a != "" && strings.EqualFold(a, b)
	}
	return slices.ContainsFunc(r.Authors, func(a Author) bool { return same(a.Mail, p.Mail) || same(a.Name, p.Name) })
}

// Outcome is how a rehearsal ended.
type Outcome string

// The outcomes. A rehearsal is Reached when the reader came to the end state and the text
// alone got them there: without a defect.
const (
	Open    Outcome = "open"
	Reached Outcome = "reached"
	Missed  Outcome = "missed"
	Dropped Outcome = "dropped" // broken off, or left alone for a week; says nothing
)

// Done is one step that was read.
type Done struct {
	Heading string      `json:"heading"`
	Defect  string      `json:"defect,omitempty"` // empty = the text alone got the reader on
	At      core.Moment `json:"at_us"`
}

// Rehearsal is one reading.
type Rehearsal struct {
	ID       string
	Runbook  ID
	Commit   string
	Text     string // while it is open
	Reader   string // id of a card
	LedBy    string // id of a card; empty = nobody
	Scenario string
	Outcome  Outcome
	Started  core.Moment
	Ended    core.Moment
	Done     []Done
}

// Defects are how many steps had one.
func (r Rehearsal) Defects() (n int) {
	for _, d := range r.Done {
		if d.Defect != "" {
			n++
		}
	}
	return n
}

// Took is how long it lasted; 0 while it runs.
func (r Rehearsal) Took() time.Duration {
	if r.Ended == 0 {
		return 0
	}
	return max(0, r.Ended.Sub(r.Started))
}

// next is the step to be read now; ok is false when all were.
func (r Rehearsal) next(t Text) (step Step, ok bool) {
	if len(r.Done) >= len(t.Steps) {
		return Step{}, false
	}
	return t.Steps[len(r.Done)], true
}

// end closes a rehearsal whose steps are all read. Returns CodeConflict
// "custody.runbook.not_through" before.
func (r Rehearsal) end(t Text, reached bool, now core.Moment) (Rehearsal, error) {
	if _, ok := r.next(t); ok {
		return r, core.Conflict("custody.runbook.not_through", errors.New("steps are left"))
	}
	r.Outcome, r.Ended, r.Text = Missed, max(now, r.Started), ""
	if reached && r.Defects() == 0 {
		r.Outcome = Reached
	}
	return r, nil
}

// State is what a runbook is worth today.
type State string

// The states, best first.
const (
	Rehearsed State = "rehearsed" // a reader reached the end within 12 months, with this text
	Changed   State = "changed"   // so, but the text changed since
	Old       State = "old"       // so, but longer ago
	Failed    State = "failed"    // the last reader did not
	Never     State = "never"
)

// Judge says what a runbook is worth, by its last rehearsal that ended with a result; nil =
// there was none. A rehearsal dated in the future counts as one of now.
func Judge(commit string, last *Rehearsal, now core.Moment) State {
	switch {
	case last == nil || last.Outcome == Open || last.Outcome == Dropped:
		return Never
	case last.Outcome == Missed:
		return Failed
	case now.Sub(last.Ended) > keeps:
		return Old
	case last.Commit != commit:
		return Changed
	}
	return Rehearsed
}
