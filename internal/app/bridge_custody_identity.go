package app

import (
	"context"
	"net/http"

	"entrechat/internal/room/identity"
)

// adminsForCustody lets custody ask whose accounts are admins.
func adminsForCustody(a *App) any {
	if room, ok := opened[*identity.Room](a); ok {
		return identityAdmins{room}
	}
	return nil
}

type identityAdmins struct{ room *identity.Room }

// AdminHandles is what custody.Accounts asks.
func (i identityAdmins) AdminHandles(ctx context.Context) ([]string, error) {
	admins, err := i.room.Persons.Admins(ctx)
	handles := make([]string, 0, len(admins))
	for _, p := range admins {
		handles = append(handles, p.Handle)
	}
	return handles, err
}

// SignedIn is what custody.Accounts asks: empty for who came by a link.
func (i identityAdmins) SignedIn(r *http.Request) (string, error) {
	p, err := i.room.ByAccount(r)
	return p.Handle, err
}
