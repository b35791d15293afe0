package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/obs"
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
	b := ownLogbook{a}
	return fit.Fittings{
		Name:    "logbook",
		Entries: map[string]string{logbook.TypKeySet: "app.entry.keyset", logbook.TypFork: "app.entry.fork"},
		Peer:    a.Book.Routes(),
		Jobs:    a.Book.Jobs(a.readers()),
		Checks: []fit.Check{
			{Name: "app.check_logbook", Run: fit.Plain(b.check)},
			{Name: "app.check_mirrors", Run: a.withMembers(fit.Plain(b.checkMirrors))},
			{Name: "app.check_neighbours", Run: a.withMembers(b.checkNeighbours)},
			{Name: "app.check_address", Run: fit.Plain(b.checkAddress)},
		},
		Metrics: b.metrics,
		Health: func(ctx context.Context) (fit.Finding, error) {
			_, err := a.self(ctx)
			return fit.Finding{}, err
		},
	}
}

// metrics are when each member was last heard, and who does not take our logbook.
func (b ownLogbook) metrics(ctx context.Context) ([]obs.Metric, error) {
	known, err := b.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]obs.Metric, 0, len(known)+1)
	for _, m := range known {
		if m.ID == b.Signer.ID() {
			continue
		}
		all = append(all, obs.Metric{
			Name: "entrechat_member_heard_time_seconds", Help: "When a member's logbook was last heard (Unix time), 0 before the first.",
			Value: float64(m.Heard) / 1e6, Labels: map[string]string{"member": string(m.ID)},
		})
	}
	late, _, err := b.neighbours(ctx)
	return append(all, obs.Metric{
		Name: "entrechat_neighbours_late", Help: "Members the exchange of logbooks has not got on with for an hour.", Value: float64(len(late)),
	}), err
}

// ownLogbook asks doctor's questions about the logbook.
type ownLogbook struct{ *App }

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

// checkMirrors: what we hold of the others' logbooks is as they signed it, as far as
// the node's daily comparison says.
func (b ownLogbook) checkMirrors(ctx context.Context) error {
	left, err := b.Book.Repair.Damages(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range left {
		if d.Member != b.Signer.ID() {
			names = append(names, string(d.Member))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return core.Internal("logbook.mirror_damaged", fmt.Errorf("damaged mirrors: %v", left)).With("Members", strings.Join(names, ", "))
}

// lateAfter is how long a member may give no answer before somebody should talk to it,
// and lateTries how often it is asked in vain before anything is said.
const (
	lateAfter = time.Hour
	lateTries = 3
)

// checkNeighbours names the members the exchange of logbooks does not get on with.
func (b ownLogbook) checkNeighbours(ctx context.Context) (fit.Finding, error) {
	late, now, err := b.neighbours(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(late) > 0 {
		return fit.Finding{}, core.Unsure("app.neighbours_late", fmt.Errorf("%d members", len(late))).With("List", strings.Join(late, "; "))
	}
	if len(now) > 0 {
		return fit.Finding{Unknown: true, Key: "app.neighbours_slow", Args: map[string]any{"List": strings.Join(now, "; ")}}, nil
	}
	return fit.Finding{}, nil
}

// neighbours are the members the exchange does not get on with: for long, and only now.
func (b ownLogbook) neighbours(ctx context.Context) (late, now []string, err error) {
	all, err := b.Book.Contacts(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range all {
		switch {
		case c.Trouble == nil || c.Tries < lateTries:
		case core.At(time.Now()).Sub(c.Since) >= lateAfter:
			late = append(late, b.lateLine(c))
		default:
			now = append(now, b.lateLine(c))
		}
	}
	return late, now, nil
}

// lateLine names a member that does not answer as it should, since when, and why.
func (b ownLogbook) lateLine(c logbook.Contact) string {
	return b.Lang.T("app.neighbour_late", map[string]any{"Member": c.Member, "Since": b.Lang.Date(c.Since), "Trouble": b.Lang.Error(c.Trouble)})
}

// check: it is whole, and nothing keeps us from writing into it.
func (b ownLogbook) check(ctx context.Context) error {
	if err := b.Book.Guard.Stopped(ctx); err != nil {
		return err
	}
	if _, err := b.Book.Verify(ctx, b.Signer.ID()); err != nil {
		return err
	}
	if b.standing(ctx) != nil {
		return nil //nolint:nilerr // said already: a rehearsal, or another node has our name
	}
	return b.Book.Guard.Twin(ctx)
}

// checkAddress: the members were told the address that stands in the configuration.
func (b ownLogbook) checkAddress(ctx context.Context) error {
	if b.standing(ctx) != nil {
		return nil //nolint:nilerr // said already, and moving back would not help
	}
	told, err := b.Book.URL(ctx, b.Signer.ID())
	if err != nil || told == b.Config.Node.URL {
		return err
	}
	return core.Conflict("app.address_differs", fmt.Errorf("told %s, configured %s", told, b.Config.Node.URL)).
		With("Told", told).With("URL", b.Config.Node.URL)
}
