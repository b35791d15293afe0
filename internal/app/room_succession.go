package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/succession"
	"entrechat/internal/room/succession/migrations"
)

func successionModule() module {
	return module{
		name: "succession", words: succession.AllWords(), tables: migrations.Files, group: groupOthers, open: openSuccession, spare: true,
		grants: []core.GrantType{succession.GrantType()},
		commands: func(l *cli) []*cobra.Command {
			return succession.Commands(l.out.P, opener[*succession.Room](l))
		},
	}
}

func openSuccession(_ context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[succession.Trust](a, "succession")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	room, err := succession.New(succession.Needs{DB: a.DB, Words: a.Words, Signer: a.Signer, Book: a.Book, Trust: rights, Now: time.Now, Log: a.Log})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}
