package peer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// aheadStep is how far beyond a request's date the note of it reaches, so that a member
// whose clock is ahead costs one write in that time. After our start such a member is
// asked to come back for at most as long.
const aheadStep = 10 * time.Second

// aheadGuard carries over a start what the replayGuard forgets: a request dated after
// our start may still have been used before it, by who signs ahead of our clock.
type aheadGuard struct {
	db *db.DB // nil = remembers nothing over a start

	mu    sync.Mutex
	notes map[core.MemberID]aheadNote
}

type aheadNote struct {
	before core.Moment // what was noted when this process first heard of the member
	noted  core.Moment
}

// pass refuses a request that a process before this one may have seen, and notes one
// dated in the future before it is acted on. Returns CodeUnsure.
func (g *aheadGuard) pass(ctx context.Context, from core.MemberID, created, now time.Time) error {
	if g.db == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	note, ok := g.notes[from]
	if !ok {
		until, err := aheadOf(ctx, g.db, from)
		if err != nil {
			return err
		}
		if note = (aheadNote{before: until, noted: until}); g.notes == nil || len(g.notes) >= maxMembers {
			g.notes = map[core.MemberID]aheadNote{}
		}
		g.notes[from] = note
	}
	at := core.At(created)
	if at <= note.before {
		return core.Unsure("peer.just_started", fmt.Errorf("%s signed ahead of our clock before our start", from))
	}
	if created.After(now) && at > note.noted {
		note.noted = at.Add(aheadStep)
		if err := putAhead(ctx, g.db, from, note.noted); err != nil {
			return err
		}
		g.notes[from] = note
	}
	return nil
}
