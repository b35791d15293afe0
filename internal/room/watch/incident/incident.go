package incident

import (
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/verdict"
)

// Withdrawn is the state of a target that its owner took away, or paused: it holds no
// incident open.
const Withdrawn verdict.State = "withdrawn"

// Scope says what an incident is about. The zero value is Service.
type Scope string

// The scopes.
const (
	Service Scope = "service" // one service
	Hoster  Scope = "hoster"  // at least three services of a hoster together
	Manual  Scope = "manual"  // what its owner opened, about any services or none
)

// Incident is what people are told of outages that belong together.
type Incident struct {
	// ID is the name of its first step, 64 hex digits; of a manual one, the leaf hash of its
	// owner's entry. The name of any later step of it, and the leaf hash of any certificate,
	// find it as well.
	ID       string        `json:"id"`
	Owner    core.MemberID `json:"owner"`
	Scope    Scope         `json:"scope"`
	Services []string      `json:"services"` // sorted; may be empty for a manual one
	Targets  []string      `json:"targets,omitempty"`
	Opened   core.Moment   `json:"opened_us"`
	Closed   core.Moment   `json:"closed_us,omitzero"` // zero = open
	// Weak: no verdict of it is more than weak. It wakes nobody.
	Weak bool `json:"weak,omitempty"`
	// Unstable: a service fell and came back at least twice within an hour.
	Unstable bool `json:"unstable,omitempty"`
	// Down lists the services that are down now; Unsure those that are neither down nor up.
	Down   []string `json:"down,omitempty"`
	Unsure []string `json:"unsure,omitempty"`
}

// Open says that it is not over.
func (i Incident) Open() bool { return i.Closed == 0 }

// Lasted is how long it was open until now, or in all.
func (i Incident) Lasted(now core.Moment) time.Duration {
	if i.Open() {
		return max(0, now.Sub(i.Opened))
	}
	return i.Closed.Sub(i.Opened)
}

// LineKind says what a line of a timeline is.
type LineKind string

// The kinds of lines. The first five are verdicts, the next six what the hoster says; the
// others come from the rest of the room.
const (
	LineDown       LineKind = "down"
	LinePartial    LineKind = "partial"
	LineUnknown    LineKind = "unknown"
	LineUp         LineKind = "up"
	LineGone       LineKind = "gone" // the target was withdrawn
	LineOpen       LineKind = "open"
	LineUpdate     LineKind = "update"
	LineCorrection LineKind = "correction"
	LineClose      LineKind = "close"
	LinePostmortem LineKind = "postmortem"
	LinePlan       LineKind = "plan" // a maintenance began that had been announced
	LineLook       LineKind = "look"
	LineVote       LineKind = "vote"
	LineAlert      LineKind = "alert"
	LineAck        LineKind = "ack"
)

// Line is one line of a timeline.
type Line struct {
	At      core.Moment `json:"at_us"`
	Kind    LineKind    `json:"kind"`
	Service string      `json:"service,omitempty"`
	Target  string      `json:"target,omitempty"`
	// Failing of Voters said that it fails, both zero where nobody told us how many; Alone:
	// only its owner looked. Weak as in a verdict.
	Failing int  `json:"failing,omitempty"`
	Voters  int  `json:"voters,omitempty"`
	Alone   bool `json:"alone,omitempty"`
	Weak    bool `json:"weak,omitempty"`
	// Who is a member or a role, for lines from the rest of the room; Count of looks or
	// alerts that the line stands for.
	Who   string `json:"who,omitempty"`
	Count int    `json:"count,omitempty"`
	// Entry is the leaf hash of the certificate or of the hoster's entry; empty = not known.
	Entry string `json:"entry,omitempty"`
	// Name is that of the text; Text is the text, when it is here. Text is plain, foreign
	// and bounded: pages escape it.
	Name string     `json:"sha256,omitempty"`
	Text *note.Text `json:"text,omitempty"`
}

// Story is an incident with its timeline, oldest first, and its newest postmortem.
type Story struct {
	Incident
	Lines []Line `json:"timeline"`
	// Postmortem is nil while there is none, or when it is not here; Lang is its language.
	Postmortem *note.Postmortem `json:"postmortem,omitempty"`
	Lang       string           `json:"lang,omitempty"`
	// Answer is the address as a page links to it.
	Answer string `json:"answer,omitempty"`
	// Told is when the postmortem was published.
	Told core.Moment `json:"told_us,omitzero"`
}
