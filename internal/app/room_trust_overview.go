package app

import (
	"context"

	"entrechat/internal/app/site"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/trust/member"
)

// Partners are the members we added, for the overview's picture.
func (t trustRoom) Partners(ctx context.Context) ([]site.Partner, error) {
	members, err := t.Members.List(ctx)
	var out []site.Partner
	for _, m := range members {
		if m.Standing != member.Added || m.Refused {
			continue
		}
		severity := web.None
		switch m.Log {
		case logbook.Fresh:
			severity = web.Fine
		case logbook.Suspended:
			severity = web.Trouble
		case logbook.Unknown, logbook.NotHeard, logbook.Stale:
		}
		out = append(out, site.Partner{ID: m.Member, Severity: severity})
	}
	return out, err
}
