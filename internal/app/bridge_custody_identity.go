package app

import (
	"net/http"

	"entrechat/internal/room/identity"
	"entrechat/internal/room/identity/person"
)

// adminsForCustody lets custody ask whose accounts are admins.
func adminsForCustody(a *App) any {
	if room, ok := opened[*identity.Room](a); ok {
		return identityAdmins{room.Persons, room}
	}
	return nil
}

// identityAdmins answers who our admins are; the assembly asks it too.
type identityAdmins struct {
	*person.Service
	room *identity.Room
}

// SignedIn is what custody.Accounts asks: empty for who came by a link.
func (i identityAdmins) SignedIn(r *http.Request) (string, error) {
	p, err := i.room.ByAccount(r)
	return p.Handle, err
}
