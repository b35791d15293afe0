package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/identity"
	"entrechat/internal/room/identity/migrations"
)

func identityModule() module {
	return module{
		name: "identity", words: identity.AllWords(), tables: migrations.Files, group: groupOthers, open: openIdentity,
		commands: func(l *cli) []*cobra.Command {
			return identity.Commands(l.out.P, func(cmd *cobra.Command) (*identity.Room, *console.Out, error) {
				room, err := openFor[*identity.Room](l, cmd)
				return room, &l.out, err
			})
		},
	}
}

func openIdentity(_ context.Context, a *App) (any, fit.Fittings, error) {
	room := identity.New(identity.Needs{
		DB: a.DB, Words: a.Words, Origin: a.Signer.ID(), URL: a.Config.Node.URL, Now: time.Now, Log: a.Log,
	})
	return room, room.Fittings(), nil
}
