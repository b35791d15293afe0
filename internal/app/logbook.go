package app

import (
	"context"
	"fmt"

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
		Checks: append(a.company().Checks(
			fit.Check{Name: "app.check_mirrors", Run: a.withMembers(fit.Plain(c.Mirrors))},
			fit.Check{Name: "app.check_neighbours", Run: a.withMembers(c.Neighbours)}),
			fit.Check{Name: "app.check_logbook", Run: fit.Plain(c.Whole)},
			fit.Check{Name: "app.check_address", Run: fit.Plain(c.Address)}),
		Metrics: c.Metrics,
		Health: func(ctx context.Context) (fit.Finding, error) {
			_, err := a.self(ctx)
			return fit.Finding{}, err
		},
	}
}

// company is being a member among others.
func (a *App) company() *fit.Use {
	return &fit.Use{Name: "app.use_company", For: "app.use_company_for", Begun: func(ctx context.Context) (bool, error) {
		others, err := a.others(ctx)
		return len(others) > 0, err
	}}
}

// withMembers asks only where there are other members: of none nothing is known.
func (a *App) withMembers(run func(context.Context) (fit.Finding, error)) func(context.Context) (fit.Finding, error) {
	return func(ctx context.Context) (fit.Finding, error) {
		if some, err := a.company().Begun(ctx); err != nil || !some {
			return fit.Unknown("app.no_member", nil), err
		}
		return run(ctx)
	}
}
