package app

import (
	"context"
	"fmt"
	"slices"

	"entrechat/internal/app/datadir"
	"entrechat/internal/app/ownlog"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
)

// room returns CodeFull while the disk of the data directory has less free than the
// floor: what others write is refused then. A database elsewhere is not looked at.
func (a *App) room() error {
	if a.DB.Engine() != db.SQLite {
		return nil
	}
	left, err := datadir.Free(a.Data)
	if err != nil || left >= a.Config.Node.Floor {
		return err
	}
	return core.Full("logbook.disk_low", fmt.Errorf("%d bytes free, %d are kept in reserve", left, a.Config.Node.Floor)).With("Member", a.Signer.ID())
}

// logbookFittings is what the logbook hands to the house, as the rooms do. It comes after
// the rooms, as its jobs tell their readers.
func (a *App) logbookFittings() fit.Fittings {
	c := ownlog.Checks{Book: a.Book, Self: a.Signer.ID(), URL: a.Config.Node.URL, Lang: a.Lang, Standing: a.standing}
	return fit.Fittings{
		Name:    "logbook",
		Entries: map[string]string{logbook.TypKeySet: "app.entry.keyset", logbook.TypFork: "app.entry.fork"},
		Peer:    a.Book.Routes(),
		Jobs:    a.Book.Jobs(a.readers()),
		Checks: []fit.Check{
			{Name: "app.check_logbook", Run: fit.Plain(c.Whole)},
			{Name: "app.check_mirrors", Run: a.withMembers(fit.Plain(c.Mirrors))},
			{Name: "app.check_neighbours", Run: a.withMembers(c.Neighbours)},
			{Name: "app.check_address", Run: fit.Plain(c.Address)},
		},
		Metrics: c.Metrics,
		Health: func(ctx context.Context) (fit.Finding, error) {
			_, err := a.self(ctx)
			return fit.Finding{}, err
		},
	}
}

// withMembers asks only where there are other members: of none nothing is known.
func (a *App) withMembers(run func(context.Context) (fit.Finding, error)) func(context.Context) (fit.Finding, error) {
	return func(ctx context.Context) (fit.Finding, error) {
		known, err := a.Book.Known(ctx)
		if err != nil {
			return fit.Finding{}, err
		}
		if !slices.ContainsFunc(known, func(m logbook.Member) bool { return m.ID != a.Signer.ID() }) {
			return fit.Unknown("app.no_member", nil), nil
		}
		return run(ctx)
	}
}
