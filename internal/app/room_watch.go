package app

import (
	"context"
	"io/fs"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/watch"
	"entrechat/internal/room/watch/migrations"
)

func watchModule() module {
	return module{
		name: "watch", words: []fs.FS{watch.Words}, tables: migrations.Files, group: groupOthers,
		grants: []core.GrantType{watch.GrantType()},
		open:   openWatch,
	}
}

func openWatch(_ context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[watch.Trust](a, "watch")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	room := watch.New(watch.Needs{DB: a.DB, Signer: a.Signer, Book: a.Book, Trust: rights, Now: time.Now, Log: a.Log})
	return room, room.Fittings(), nil
}
