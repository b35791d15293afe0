package audit

import (
	"context"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const (
	maxAbout = 200 // characters
	maxAgent = 60
	step     = 1000 // rows of one transaction
)

// Append writes what happened, in the caller's transaction: it happened, or it did not,
// together with what the caller writes.
func Append(ctx context.Context, q db.Querier, now core.Moment, e Event) error {
	at, err := last(ctx, q)
	if err != nil {
		return err
	}
	e.Number, e.At = at.number+1, now
	e.About, e.From.Agent = first(e.About, maxAbout), first(e.From.Agent, maxAgent)
	return insert(ctx, q, seal(e, at.hash))
}

// first is the first n bytes of a text, at most.
func first(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// Log reads the chain and keeps it short.
type Log struct {
	DB  *db.DB
	Now func() time.Time
}

// Append is the function of that name in a transaction of its own.
func (l *Log) Append(ctx context.Context, e Event) error {
	return l.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return Append(ctx, q, core.At(l.Now()), e) })
}

// Of lists what happened to a person's account, newest first, at most limit, those before
// the event with that number (0: from the newest).
func (l *Log) Of(ctx context.Context, who person.ID, before int64, limit int) ([]Event, error) {
	found, err := of(ctx, l.DB, who, before, limit)
	events := make([]Event, 0, len(found))
	for _, w := range found {
		events = append(events, w.Event)
	}
	return events, err
}

// Verify reads the whole chain. Returns how many rows it has, and CodeInternal
// "identity.audit.broken" with the first row that is not as it was written.
func (l *Log) Verify(ctx context.Context) (total int64, err error) {
	at, err := root(ctx, l.DB)
	if err != nil {
		return 0, err
	}
	for {
		some, err := rows(ctx, l.DB, at.number, step)
		if err != nil || len(some) == 0 {
			return total, err
		}
		for _, w := range some {
			if w.Number != at.number+1 || !w.whole(at.hash) {
				return total, core.Internal("identity.audit.broken", fmt.Errorf("row %d is not as it was written", at.number+1)).With("Row", at.number+1)
			}
			at = end{w.Number, w.hash}
			total++
		}
	}
}

// Tidy shortens networks older than 30 days and erases rows older than 12 months. The
// chain still holds afterwards. A broken row is left as it is, for people to see.
func (l *Log) Tidy(ctx context.Context) error {
	now := core.At(l.Now())
	for more := true; more; {
		err := l.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			old, err := unshortened(ctx, q, now.Add(-Whole), step)
			if err != nil {
				return err
			}
			more = len(old) == step
			for _, w := range old {
				if err := shorten(ctx, q, w.Number, Shortened(w.From.Network)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return l.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		at, found, err := lastBefore(ctx, q, now.Add(-Kept))
		if err != nil || !found {
			return err
		}
		return cut(ctx, q, at)
	})
}
