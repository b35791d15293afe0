package catalogue

import (
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/access"
)

// Source is how a listing reached us.
type Source string

// The sources.
const (
	FromLog  Source = "log"  // signed by the hoster, in its logbook; our own too
	FromFile Source = "file" // a file fetched from where it is published
)

// State is how a hoster stands, in its own words. Unknown is not a judgement.
type State string

// The states; the zero value is "nobody said".
const (
	StateUnknown State = ""
	StateActive  State = "active"
	StateIdle    State = "idle"    // there, and quiet
	StateAway    State = "away"    // gone for now; return is free
	StateClosing State = "closing" // ends on Hoster.Ends
)

// Author says whose words a listing holds, and how old they are.
type Author struct {
	// Key names the hoster here: the member's id ("chaton-a.test") when it signed,
	// the address of its file when that was fetched.
	Key    string
	Source Source
	Said   core.Moment // when the author said it; 0 = not known
	Heard  core.Moment // when we last had it from the author or a mirror
}

// StateLives is how long a word about how things stand ("works", "active") is news.
// Later it is unknown, neither well nor bad.
// spec: docs/spec/directory.md#age
const StateLives = 35 * 24 * time.Hour

// Old says that what the author said of how things stand is no news any more, or
// that nobody knows when it was said.
func (a Author) Old(now core.Moment) bool { return a.Said == 0 || now > a.Said.Add(StateLives) }

// Hoster is what one hoster says of itself. Every text is bounded (see Check) and
// without control characters, and may still be a stranger's: pages escape it.
type Hoster struct {
	Author    Author      `json:"-"`
	Name      string      `json:"name"`
	About     string      `json:"about,omitempty"`
	Website   string      `json:"website,omitempty"` // http or https
	File      string      `json:"file,omitempty"`    // where its StatoolInfos file is
	Town      string      `json:"town,omitempty"`    // town level, never a street
	Country   string      `json:"country,omitempty"` // ISO 3166-1 alpha-2, upper case
	Languages []string    `json:"languages,omitempty"`
	Contact   string      `json:"contact,omitempty"` // address of a page or a role mailbox
	State     State       `json:"state,omitempty"`
	Note      string      `json:"note,omitempty"` // on the state
	Ends      core.Moment `json:"ends,omitzero"`  // of StateClosing; 0 = no date
}

// Service is what one hoster says of one service.
type Service struct {
	Author    Author        `json:"-"`
	Slug      string        `json:"slug"` // its name among the hoster's services
	Name      string        `json:"name"`
	Kind      Kind          `json:"kind,omitempty"`
	About     string        `json:"about,omitempty"`
	Website   string        `json:"website,omitempty"` // http or https
	Software  string        `json:"software,omitempty"`
	Version   string        `json:"version,omitempty"`
	Languages []string      `json:"languages,omitempty"` // ISO 639-1, lower case
	Town      string        `json:"town,omitempty"`      // of the machine
	Country   string        `json:"country,omitempty"`   // of the machine
	Price     string        `json:"price,omitempty"`     // in the hoster's words
	Limits    string        `json:"limits,omitempty"`    // in the hoster's words
	Access    access.Access `json:"access,omitzero"`
	Level     Level         `json:"level,omitempty"`
	Ended     bool          `json:"ended,omitzero"` // over, or withdrawn
	// Unverified: the file stands on another host than the hoster's, so only the
	// hoster says that the service is its own.
	Unverified bool `json:"unverified,omitzero"`
}

// LevelAt is the level while it is news, see Author.Old.
func (s Service) LevelAt(now core.Moment) Level {
	if s.Author.Old(now) {
		return LevelUnknown
	}
	return s.Level
}

// Level is how a service does, as its file has it.
type Level string

// The levels; the zero value is "nobody said".
const (
	LevelUnknown Level = ""
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelAlert   Level = "alert"
	LevelError   Level = "error"
)
