package contact

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
)

// The bounds of a plan.
const (
	maxPeople   = 50
	maxChannels = 8
	maxShifts   = 100
	maxServices = 500
	maxName     = 80
	maxAddress  = 500
	// MaxBytes bounds a plan written as JSON.
	MaxBytes = 256 << 10
)

// Level says how urgent something is, and so when it is delivered. The zero value is no
// level: the kind of the notice decides.
type Level string

// The levels.
const (
	Page   Level = "page"   // may wake who agreed to be woken
	Notify Level = "notify" // at once, but not within quiet hours
	Digest Level = "digest" // once a day, together
)

// Valid says whether it is one of the three.
func (l Level) Valid() bool { return l == Page || l == Notify || l == Digest }

// Above says whether it is more urgent than another.
func (l Level) Above(o Level) bool { return rank(l) > rank(o) }

func rank(l Level) int { return slices.Index([]Level{Digest, Notify, Page}, l) }

// Plan is who a hoster wants told, whole: what is pushed to its voters replaces what
// they had. It holds tokens: never log it.
type Plan struct {
	Owner core.MemberID `json:"owner"`
	// At is when it was made; an older one never replaces a newer one.
	At     core.Moment `json:"at_us"`
	People []Person    `json:"people,omitempty"`
	Rota   Rota        `json:"rota,omitzero"`
	// Services are the levels of single services; the others are Notify.
	Services []Service `json:"services,omitempty"`
}

// Service is how much one service matters.
type Service struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
}

// Person is somebody to tell, or a room a team reads.
type Person struct {
	ID       string    `json:"id"` // a short name to type, never changed
	Name     string    `json:"name"`
	Lang     string    `json:"lang"` // fr or en
	Zone     string    `json:"zone"` // "Europe/Paris"
	Quiet    Quiet     `json:"quiet,omitzero"`
	Channels []Channel `json:"channels,omitempty"` // the first is tried first
}

// Channel is one way to reach a person.
type Channel struct {
	ID   string `json:"id"` // of this person, "mail1"
	Kind Kind   `json:"kind"`
	// Address is what the kind says: a mailbox, a web address, a room.
	Address string `json:"address"`
	Token   string `json:"token,omitempty"` // secret of the channel; may be empty
}

// Person answers the person of an id.
func (p Plan) Person(id string) (Person, bool) {
	i := slices.IndexFunc(p.People, func(o Person) bool { return o.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return p.People[i], true
}

// LevelOf is the highest level of these services.
func (p Plan) LevelOf(services []string) Level {
	highest := Level("")
	for _, name := range services {
		level := Notify
		for _, s := range p.Services {
			if s.Name == name {
				level = s.Level
			}
		}
		if level.Above(highest) {
			highest = level
		}
	}
	if highest == "" {
		return Notify
	}
	return highest
}

// Check refuses a plan that is too large or says something impossible, with CodeInvalid
// and the place.
func (p Plan) Check() error {
	if !p.Owner.Valid() || p.At <= 0 {
		return bad("owner", string(p.Owner))
	}
	if len(p.People) > maxPeople || len(p.Services) > maxServices || len(p.Rota.Shifts) > maxShifts {
		return bad("size", "")
	}
	seen := map[string]bool{}
	for _, person := range p.People {
		if err := person.check(); err != nil {
			return err
		}
		if seen[person.ID] {
			return bad("person", person.ID)
		}
		seen[person.ID] = true
	}
	for _, s := range p.Services {
		if !line(s.Name, 1, maxName) || !s.Level.Valid() {
			return bad("service", s.Name)
		}
	}
	return p.Rota.check(seen)
}

func (p Person) check() error {
	switch {
	case !slug(p.ID):
		return bad("person", p.ID)
	case !line(p.Name, 1, maxName):
		return bad("name", p.Name)
	case p.Lang != "fr" && p.Lang != "en":
		return bad("lang", p.Lang)
	case len(p.Channels) > maxChannels:
		return bad("channel", p.ID)
	}
	if _, err := Zone(p.Zone); err != nil {
		return err
	}
	if err := p.Quiet.check(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, c := range p.Channels {
		if err := c.Check(); err != nil {
			return err
		}
		if seen[c.ID] {
			return bad("channel", c.ID)
		}
		seen[c.ID] = true
	}
	return nil
}

// Zone reads the name of a time zone; empty is UTC. Returns CodeInvalid.
func Zone(name string) (*time.Location, error) {
	if name == "Local" || len(name) > 64 {
		return nil, bad("zone", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, bad("zone", name)
	}
	return loc, nil
}

// zone is that of a plan that was checked.
func zone(name string) *time.Location {
	loc, err := Zone(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// bad names the part of a plan that cannot be; value is shown to who typed it.
func bad(part, value string) error {
	return core.Invalid("watch.alert.bad_"+part, fmt.Errorf("contact plan: %s", part)).With("Value", value)
}

// slug says whether it is a short name to type: lower-case letters, digits, - and _.
func slug(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// line says whether it is one line of visible text, within bounds in characters.
func line(s string, least, most int) bool {
	if n := len([]rune(s)); n < least || n > most || strings.TrimSpace(s) != s {
		return false
	}
	return s == Clean(s)
}
