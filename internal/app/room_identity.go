package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/identity"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/signin"
)

func identityModule() module {
	return module{
		name: "identity", words: identity.AllWords(), tables: migrations.Files, group: groupOthers, open: openIdentity, spare: true,
		grants: []core.GrantType{home.GrantType()},
		settings: &config.Section{
			Words: "identity.config.", New: func() any { return identity.DefaultSettings() },
			Check: func(c config.Config) error { return config.Of[*identity.Settings](c, "identity").Check() },
		},
		commands: func(l *cli) []*cobra.Command {
			return identity.Commands(l.out.P, opener[*identity.Room](l))
		},
	}
}

func openIdentity(_ context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[home.Trust](a, "identity")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	room, err := identity.New(identity.Needs{
		DB: a.DB, Words: a.Words, Origin: a.Signer.ID(), URL: a.Config.Node.URL, Dir: filepath.Join(a.Data, datadir.SecretsDir),
		Book: a.Book, Signer: a.Signer, Calls: a.Peer, Trust: rights, Private: a.Config.Peer.Private, Settings: *config.Of[*identity.Settings](a.Config, "identity"),
		Root: func(ctx context.Context, id core.MemberID) (core.RootKey, error) {
			m, err := a.Book.Member(ctx, id)
			return m.Root, err
		},
		Mailer:      func() (signin.Mailer, bool) { return ask[signin.Mailer](a) },
		Successions: func() (legacy.Successions, bool) { return ask[legacy.Successions](a) }, Custodians: func() (legacy.Custodians, bool) { return ask[legacy.Custodians](a) },
		Closings: func() (identity.Closings, bool) { return ask[identity.Closings](a) }, Adopters: func() (identity.Adopters, bool) { return ask[identity.Adopters](a) }, Now: time.Now, Log: a.Log,
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}
