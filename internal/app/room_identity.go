package app

import (
	"context"
	"time"

	"entrechat/internal/kit/fit"
	"entrechat/internal/room/identity"
	"entrechat/internal/room/identity/migrations"
)

func identityModule() module {
	return module{name: "identity", words: identity.AllWords(), tables: migrations.Files, group: groupOthers, open: openIdentity}
}

func openIdentity(_ context.Context, a *App) (any, fit.Fittings, error) {
	room := identity.New(identity.Needs{
		DB: a.DB, Words: a.Words, Origin: a.Signer.ID(), URL: a.Config.Node.URL, Now: time.Now, Log: a.Log,
	})
	return room, room.Fittings(), nil
}
