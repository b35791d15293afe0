package app

import (
	"context"

	"entrechat/internal/room/custody/runbook"
	"entrechat/internal/room/watch"
)

// postmortemsForCustody lets custody ask the watch what members told after incidents.
func postmortemsForCustody(a *App) any {
	if room, ok := opened[*watch.Room](a); ok {
		return watchPostmortems{room}
	}
	return nil
}

type watchPostmortems struct{ room *watch.Room }

// Postmortems is what custody.Postmortems asks.
func (w watchPostmortems) Postmortems(ctx context.Context) ([]runbook.Card, error) {
	const newest = 200
	stories, err := w.room.Publisher.Incidents.Learned(ctx, "", newest)
	out := make([]runbook.Card, 0, len(stories))
	for _, s := range stories {
		p := s.Postmortem
		out = append(out, runbook.Card{
			Member: s.Owner, At: s.Opened, What: p.What, Whom: p.Whom, Depends: p.Depends.Lines(), Without: p.Without, Change: p.Change,
		})
	}
	return out, err
}
