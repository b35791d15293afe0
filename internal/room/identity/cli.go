package identity

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/imports"
	"entrechat/internal/room/identity/imports/ldap"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/people"
)

// Commands are `identity ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	subs := people.Commands(p, console.Part(open, func(r *Room) *people.Service { return r.People }))
	subs = append(subs, client.Commands(p, console.Part(open, func(r *Room) *client.Service { return r.Clients }))...)
	subs = append(subs, key.Commands(p, console.Part(open, func(r *Room) *key.Set { return r.Keys }))...)
	subs = append(subs, ldap.Commands(p, console.Part(open, func(r *Room) *ldap.Directory { return r.Directory }))...)
	subs = append(subs, imports.Commands(p, console.Part(open, func(r *Room) *imports.Service { return &imports.Service{DB: r.DB, Now: r.Now} }))...)
	subs = append(subs, move.Command(p, console.Part(open, func(r *Room) *move.Moves { return r.Moves })))
	subs = append(subs, home.Command(p, console.Part(open, (*Room).doors)))
	return []*cobra.Command{console.Group("identity", p.T("identity.cmd", nil), subs...)}
}
