package identity

import "entrechat/internal/room/identity/client"

// clients are the services that sign people in here.
func (r *Room) clients() *client.Service {
	return client.New(client.Needs{DB: r.DB, Issuer: r.URL, Now: r.Now})
}
