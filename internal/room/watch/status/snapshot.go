package status

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

// Snapshot is all that is shown of one hoster. Times are in microseconds UTC, durations in
// seconds unless their name says otherwise; a time of 0 is not known, or not yet.
// spec: docs/spec/watch.md#snapshot
type Snapshot struct {
	Hoster core.MemberID `json:"hoster"`
	Name   string        `json:"name"` // as people call it
	By     core.MemberID `json:"by"`   // who made the snapshot
	Made   core.Moment   `json:"made_us"`
	// Basis is the newest look or verdict that it stands on.
	Basis core.Moment `json:"basis_us"`
	// Heard is when the hoster's own node last gave a sign; Silent says that it is missed.
	Heard  core.Moment `json:"heard_us"`
	Silent bool        `json:"silent"`
	// Voters is how many members look at this hoster; 0 = only itself does.
	Voters int `json:"voters"`
	// Zone is where its users' clocks are ("Europe/Paris"); empty = UTC.
	Zone        string        `json:"zone,omitzero"`
	Services    []Service     `json:"services"`
	Incidents   []Incident    `json:"incidents,omitzero"`   // newest first
	Maintenance []Maintenance `json:"maintenance,omitzero"` // soonest first
	// LeftOut names what was left out so that the snapshot stays small: "latency",
	// "history", "days", "incidents", "services".
	LeftOut []string `json:"left_out,omitzero"`
}

// Service is what is known of one service.
type Service struct {
	ID    string        `json:"id"` // of its name, for addresses: see ServiceID
	Name  string        `json:"name"`
	State verdict.State `json:"state"`
	// Weak: too few looked to be sure.
	Weak  bool        `json:"weak"`
	Since core.Moment `json:"since_us"`
	// Failing of Voters say that it fails.
	Failing int `json:"failing"`
	Voters  int `json:"voters"`
	// Days are up to 90, oldest first, without a gap; the last one is today.
	Days    []Day    `json:"days,omitzero"`
	Latency *Latency `json:"latency,omitzero"`
	Promise *Promise `json:"promise,omitzero"`
	// Restore is how long it took to be well again after an outage.
	Restore Restore `json:"restore"`
	// Behind is left out until the hoster had two weeks to update.
	Behind *Behind `json:"behind,omitzero"`
}

// Behind is a program of a service that is older than what is held to be safe.
type Behind struct {
	Software string      `json:"software"`
	Version  string      `json:"version"`
	Since    core.Moment `json:"since_us"` // when it was first known to be
}

// ServiceID is how addresses name a service: 12 hex digits of its name's SHA-256. A name
// that changes is another service.
func ServiceID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}

// Parts are how long something was in each state, in seconds. Maint is how long it was away,
// in part or whole, for maintenance that was announced in time.
type Parts struct {
	Up      int64 `json:"up_s,omitzero"`
	Partial int64 `json:"partial_s,omitzero"`
	Down    int64 `json:"down_s,omitzero"`
	Maint   int64 `json:"maint_s,omitzero"`
	Unknown int64 `json:"unknown_s,omitzero"`
}

// Total is all of them together.
func (p Parts) Total() int64 { return p.Up + p.Partial + p.Down + p.Maint + p.Unknown }

// Add adds other parts.
func (p Parts) Add(o Parts) Parts {
	return Parts{p.Up + o.Up, p.Partial + o.Partial, p.Down + o.Down, p.Maint + o.Maint, p.Unknown + o.Unknown}
}

// Day is how one day went. Its parts together are what has passed of the day since the
// service is looked at.
type Day struct {
	Date string `json:"date"` // "2026-11-30", in the snapshot's zone
	Parts
}

// Latency is how long the service took to answer.
type Latency struct {
	Day   Series `json:"day"`   // the last 24 hours
	Month Series `json:"month"` // the last 30 days
}

// Series is a row of values at equal steps. A step of which nothing is known is -1.
type Series struct {
	From core.Moment `json:"from_us"`
	Step int64       `json:"step_s"`
	P50  []int64     `json:"p50_ms,omitzero"` // half of the answers came within
	P95  []int64     `json:"p95_ms,omitzero"` // 19 of 20 came within
}

// Promise is what the hoster promised for a service, and how it kept it.
type Promise struct {
	// Away is how long it may be away in a month.
	Away int64 `json:"away_s,omitzero"`
	// AwayNow is how long it was away in this month.
	AwayNow int64 `json:"away_now_s,omitzero"`
	// Says is the promise in sentences without their full stop, one for each thing that is
	// promised, in each language ("fr", "en").
	Says   map[string][]string `json:"says,omitempty"`
	Months []Month             `json:"months,omitzero"` // oldest first, at most 24; the last is this one
	// Restored of Outages were repaired by when it was promised.
	Restored int `json:"restored,omitzero"`
	Outages  int `json:"outages,omitzero"`
}

// Month is how one month went.
type Month struct {
	Month string  `json:"month"` // "2026-11"
	Kept  Keeping `json:"kept"`
	Parts
}

// Keeping says whether a month's promise was kept. The zero value is Unsure.
type Keeping string

// How a month went.
const (
	Unsure  Keeping = ""        // too little is known of it
	Kept    Keeping = "kept"    // the month is over, and it was
	Missed  Keeping = "missed"  // it was not, whatever comes
	Running Keeping = "running" // this month, still within
)

// Restore is how long outages lasted: half of them at most P50, nine of ten at most P90,
// in seconds.
type Restore struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50_s,omitzero"`
	P90   int64 `json:"p90_s,omitzero"`
}

// Incident is what users are told of an outage.
type Incident struct {
	ID       string        `json:"id"`
	Services []string      `json:"services,omitzero"` // names
	Whole    bool          `json:"whole"`             // the hoster as a whole
	State    verdict.State `json:"state"`             // the worst it came to
	Weak     bool          `json:"weak"`
	Unstable bool          `json:"unstable"` // up and down again and again
	Opened   core.Moment   `json:"opened_us"`
	Closed   core.Moment   `json:"closed_us"` // 0 = it goes on
	Timeline []Line        `json:"timeline,omitzero"`
	Notes    []Note        `json:"notes,omitzero"`
	Lesson   *Postmortem   `json:"postmortem,omitzero"`
}

// Line is one thing that happened in an incident, told by the machine.
type Line struct {
	At      core.Moment `json:"at_us"`
	Kind    LineKind    `json:"kind"`
	Service string      `json:"service,omitzero"`
	// Count of Of: voters that say so, or people that were told.
	Count int `json:"count,omitzero"`
	Of    int `json:"of,omitzero"`
}

// LineKind says what a line of a timeline tells.
type LineKind string

// The kinds of lines.
const (
	LineSuspected    LineKind = "suspected"
	LineDown         LineKind = "down"
	LinePartial      LineKind = "partial"
	LineUnknown      LineKind = "unknown"
	LineUp           LineKind = "up"
	LineUnstable     LineKind = "unstable"
	LineTold         LineKind = "told"
	LineAcknowledged LineKind = "acknowledged"
	LineMaintenance  LineKind = "maintenance"
	LineOpened       LineKind = "opened" // by a person
	LineClosed       LineKind = "closed"
)

// Note is what a person of the hoster wrote to its users.
type Note struct {
	At   core.Moment `json:"at_us"`
	Kind NoteKind    `json:"kind"`
	Text string      `json:"text,omitzero"`
	// Withdrawn: the text was taken down; that there was one stays.
	Withdrawn bool `json:"withdrawn,omitzero"`
}

// NoteKind says what a note is for.
type NoteKind string

// The kinds of notes.
const (
	NoteOpen       NoteKind = "open"
	NoteUpdate     NoteKind = "update"
	NoteCorrection NoteKind = "correction"
	NoteClose      NoteKind = "close"
)

// Postmortem is what the hoster learned of an incident. What was not answered is empty.
type Postmortem struct {
	At        core.Moment `json:"at_us"`
	Happened  string      `json:"happened,omitzero"`
	Whom      string      `json:"whom,omitzero"`     // for whom it hurt
	Depended  string      `json:"depended,omitzero"` // programs, companies, people, power, network
	Without   string      `json:"without,omitzero"`  // what could be done without
	Change    string      `json:"change,omitzero"`
	Answer    string      `json:"answer,omitzero"` // where to answer: https:, mailto: or an address
	Withdrawn bool        `json:"withdrawn,omitzero"`
}

// Maintenance is work that was announced.
type Maintenance struct {
	ID       string      `json:"id"`
	Services []string    `json:"services,omitzero"` // names; empty = all
	Said     core.Moment `json:"said_us"`
	From     core.Moment `json:"from_us"`
	To       core.Moment `json:"to_us"`
	Ended    core.Moment `json:"ended_us"` // earlier than planned
	Canceled bool        `json:"canceled,omitzero"`
	Text     string      `json:"text,omitzero"`
}

// Going says whether it goes on at a moment.
func (m Maintenance) Going(now core.Moment) bool {
	return !m.Canceled && m.From <= now && now < m.To && (m.Ended == 0 || now < m.Ended)
}

// Concerns says whether a service is among those it is for.
func (m Maintenance) Concerns(service string) bool {
	return len(m.Services) == 0 || slices.Contains(m.Services, service)
}

// Service answers the service of an id.
func (s *Snapshot) Service(id string) (*Service, bool) {
	for i := range s.Services {
		if s.Services[i].ID == id {
			return &s.Services[i], true
		}
	}
	return nil, false
}

// Incident answers the incident of an id.
func (s *Snapshot) Incident(id string) (*Incident, bool) {
	for i := range s.Incidents {
		if s.Incidents[i].ID == id {
			return &s.Incidents[i], true
		}
	}
	return nil, false
}
