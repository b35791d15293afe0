package organisation

import (
	"embed"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Organisation is a group of people. The zero value is none.
type Organisation struct {
	Handle string      `json:"handle"` // as services see it among the groups of a person
	Name   string      `json:"name"`
	Made   core.Moment `json:"made_us"`
	People int64       `json:"people"` // how many are in it
}

// Membership is one person in one organisation.
type Membership struct {
	Organisation string      `json:"organisation"`
	Person       person.ID   `json:"person"`
	Handle       string      `json:"handle"` // the person's
	Manager      bool        `json:"manager"`
	Since        core.Moment `json:"since_us"`
}

// manages says whether somebody may change who is in an organisation: the hoster's
// admins, and its managers.
func manages(by person.Person, own []Membership, handle string) bool {
	if by.Is(person.Admin) {
		return true
	}
	for _, m := range own {
		if m.Organisation == handle && m.Manager && by.Status == person.Active {
			return true
		}
	}
	return false
}

// allowed says whether a person in some organisations may use a service that is for some;
// for none means for everybody.
func allowed(of []Membership, only []string) bool {
	if len(only) == 0 {
		return true
	}
	return slices.ContainsFunc(of, func(m Membership) bool { return slices.Contains(only, m.Organisation) })
}

func denied() error {
	return core.Denied("identity.organisation.not_yours", errors.New("neither an admin nor its manager"))
}
