package app

import (
	"context"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust"
)

// rooms are the capabilities of an open node. This file is the only list of them.
type rooms struct {
	trust    *trust.Room
	fittings []fit.Fittings
}

// openRooms wires every room to the kits, and to the rooms it asks.
func (a *App) openRooms(ctx context.Context) error {
	for name, tables := range map[string]fs.FS{"trust": trust.Migrations()} {
		if err := db.Migrate(ctx, a.DB, name, tables); err != nil {
			return err
		}
	}
	self, err := a.Book.Member(ctx, a.Signer.ID())
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // init opens the logbook first
	}
	if err != nil {
		return err
	}
	return a.openTrust(self)
}

func (a *App) openTrust(self logbook.Member) (err error) {
	a.trust, err = trust.New(trust.Needs{
		DB: a.DB, Signer: a.Signer,
		Self: trust.Address{Member: self.ID, URL: self.URL, Root: self.Root},
		Card: trust.Card{Name: a.Config.Node.Origin, Place: a.Config.Vault.Site, Admin: a.Config.Vault.Admin, Contact: a.Config.Node.Contact},
		Book: a.Book, Follower: a.Book, Caller: a.Peer, Now: time.Now, Log: a.Log,
	})
	if err == nil {
		a.fittings = append(a.fittings, a.trust.Fittings())
	}
	return err
}

func (a *App) readers() []logbook.Reader {
	var all []logbook.Reader
	for _, f := range a.fittings {
		all = append(all, f.Readers...)
	}
	return all
}

// roomWords are the rooms' sentences.
func roomWords() []fs.FS { return []fs.FS{trust.Words} }

// roomCommands are the rooms' commands.
func (l *line) roomCommands() []*cobra.Command {
	return trust.Commands(l.out.P, func(cmd *cobra.Command) (*trust.Service, *console.Out, error) {
		a, err := l.open(cmd.Context())
		if err != nil {
			return nil, nil, err
		}
		return a.trust.Service, &l.out, nil
	})
}
