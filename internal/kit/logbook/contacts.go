package logbook

import (
	"context"
	"errors"
	"time"

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

// calledAgain is how often the calls of a member end our wait for it: one that calls
// and cannot be called would have us knock all day.
const calledAgain = 5 * time.Minute

// calledBy ends our wait for a member that did not answer and calls now: it is there,
// and what it missed may be waited for. from is empty for a stranger.
func (b *Book) calledBy(ctx context.Context, from core.MemberID) {
	if from == "" {
		return
	}
	now := b.now()
	c, err := getContact(ctx, b.n.DB, from)
	if err == nil && c.retry > now && b.mayHurry(from, now) {
		err = updateContact(ctx, b.n.DB, from, func(c *contact) { c.retry = now })
	}
	if err != nil {
		b.n.Log.Debug("that a member calls was not noted", "member", from, "error", err)
	}
}

func (b *Book) mayHurry(id core.MemberID, now core.Moment) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now < b.hurried[id].Add(calledAgain) {
		return false
	}
	b.hurried[id] = now
	return true
}
