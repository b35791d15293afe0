package app

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/assembly"
	"entrechat/internal/room/assembly/migrations"
)

func assemblyModule() module {
	return module{
		name: "assembly", words: assembly.AllWords(), tables: migrations.Files, group: groupOthers, open: openAssembly, spare: true,
		settings: &config.Section{Words: "assembly.config.", New: func() any { return assembly.DefaultSettings() }},
		commands: func(l *cli) []*cobra.Command {
			return assembly.Commands(l.out.P, opener[*assembly.Room](l))
		},
	}
}

func openAssembly(_ context.Context, a *App) (any, fit.Fittings, error) {
	room, err := assembly.New(assembly.Needs{
		DB: a.DB, Words: a.Words, Self: a.Signer.ID(), Book: a.Book, URL: strings.TrimSuffix(a.Config.Node.URL, "/"), Dir: filepath.Join(a.Data, datadir.SecretsDir),
		Accounts:    func() (assembly.Accounts, bool) { return ask[assembly.Accounts](a) },
		Mailer:      func() (assembly.Mailer, bool) { return ask[assembly.Mailer](a) },
		Directory:   func() (assembly.Directory, bool) { return ask[assembly.Directory](a) },
		Collectives: func() (assembly.Collectives, bool) { return ask[assembly.Collectives](a) },
		Incidents:   func() (assembly.Incidents, bool) { return ask[assembly.Incidents](a) },
		Members:     assembly.Members{Signer: a.Signer, Calls: a.Peer, Keys: a.Book.Keys, Known: a.others},
		Deciding: assembly.Deciding{
			Settings: *config.Of[*assembly.Settings](a.Config, "assembly"), Peer: a.Peer, Lang: a.Config.Node.Lang,
			Recovery: func() (*age.X25519Recipient, error) { return datadir.RecoveryRecipient(a.Data) },
			Admins:   func() (assembly.Admins, bool) { return ask[assembly.Admins](a) },
		},
		Now: time.Now, Log: a.Log,
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}
