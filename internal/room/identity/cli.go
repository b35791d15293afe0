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
	"entrechat/internal/room/identity/people"
)

// Commands are `identity ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	subs := people.Commands(p, part(open, func(r *Room) *people.Service { return r.People }))
	subs = append(subs, client.Commands(p, part(open, func(r *Room) *client.Service { return r.Clients }))...)
	subs = append(subs, key.Commands(p, part(open, func(r *Room) *key.Set { return r.Keys }))...)
	subs = append(subs, ldap.Commands(p, part(open, func(r *Room) *ldap.Directory { return r.Directory }))...)
	subs = append(subs, imports.Commands(p, part(open, func(r *Room) *imports.Service { return &imports.Service{DB: r.DB, Now: r.Now} }))...)
	subs = append(subs, home.Command(p, part(open, (*Room).doors)))
	return []*cobra.Command{console.Group("identity", p.T("identity.cmd", nil), subs...)}
}

// part opens the room for a command that works on one part of it.
func part[T any](open console.Opener[*Room], of func(*Room) T) console.Opener[T] {
	return func(cmd *cobra.Command) (part T, out *console.Out, err error) {
		r, out, err := open(cmd)
		if err != nil {
			return part, out, err
		}
		return of(r), out, nil
	}
}
