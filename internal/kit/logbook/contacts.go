package logbook

import (
	"context"
	"errors"

	"entrechat/internal/core"
)

// Contact is how the exchange with one member goes.
type Contact struct {
	Member core.MemberID
	// Holds is how many entries of our whole history it confirmed holding.
	Holds int64
	// Trouble is what went wrong the last time, nil when nothing did; it has gone wrong
	// each time since then.
	Trouble *core.Error
	Since   core.Moment
	Tries   int64 // in a row that failed
	Next    core.Moment
}

// Contacts lists the members we exchange with, the nearest first.
func (b *Book) Contacts(ctx context.Context) ([]Contact, error) {
	all, err := b.neighbours(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Contact, len(all))
	for i, n := range all {
		out[i] = Contact{Member: n.member, Holds: n.toldSize, Since: n.since, Tries: n.failures, Next: n.retry}
		if n.trouble != "" {
			out[i].Trouble = core.Unsure(n.trouble, errors.New("exchange failed")).With("Member", n.member).With("Status", n.status)
		}
	}
	return out, nil
}
