package app

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/succession"
	"entrechat/internal/room/succession/closing"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/wave"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/pointer"
	"entrechat/internal/room/succession/rescue/letin"
	rescuesite "entrechat/internal/room/succession/rescue/site"
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
	room, err := succession.New(succession.Needs{
		DB: a.DB, Words: a.Words, Signer: a.Signer, Dir: filepath.Join(a.Data, "succession"), Secrets: filepath.Join(a.Data, datadir.SecretsDir), Lang: a.Config.Node.Lang,
		Book: a.Book, Trust: rights, Private: a.Config.Peer.Private, Peer: a.Peer, Rooms: func() []any { return a.rooms },
		Vault:   func() (pointer.Vault, bool) { return ask[pointer.Vault](a) },
		Letters: func() (pointer.Letters, bool) { return ask[pointer.Letters](a) },
		URL:     strings.TrimSuffix(a.Config.Node.URL, "/"), Asks: closingAsks(a),
		Rescuing: succession.Rescuing{
			Mailer:   func() (letin.Mailer, bool) { return ask[letin.Mailer](a) },
			Accounts: func() (rescuesite.Accounts, bool) { return ask[rescuesite.Accounts](a) },
		},
		Roster: a.Book, Now: time.Now, Log: a.Log,
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}

// closingAsks are the rooms that closings ask; each may be missing.
func closingAsks(a *App) closing.Ask {
	return closing.Ask{
		Services: func() (closing.Services, bool) { return ask[closing.Services](a) },
		Backups:  func() (closing.Backups, bool) { return ask[closing.Backups](a) },
		People:   func() (choice.People, bool) { return ask[choice.People](a) },
		Mailer:   func() (wave.Mailer, bool) { return ask[wave.Mailer](a) },
		Accounts: func() (closing.Accounts, bool) { return ask[closing.Accounts](a) },
	}
}
