package vault

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
)

// Jobs is what runs while the node is up.
func (r *Room) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "vault-ship", Every: time.Second, Run: r.serve},
		{Name: "vault-bury", Every: time.Minute, Jitter: 10 * time.Second, Run: r.sendTombstones},
		// About 100 audits a day and member: a tenth lost is seen the same day, a
		// hundredth within five.
		{Name: "vault-audit", Every: 13 * time.Minute, Jitter: 2 * time.Minute, Later: true, Run: r.auditSome},
		{Name: "vault-heal", Every: time.Hour, Jitter: 10 * time.Minute, Run: r.heal},
		{Name: "vault-tidy", Every: time.Minute, Later: true, Run: r.tidy},
	}
}

// serve makes the room ready once, then ships until ctx ends.
func (r *Room) serve(ctx context.Context) error {
	select {
	case <-r.started:
	default:
		if err := r.Start(ctx); err != nil {
			return err
		}
		close(r.started)
	}
	return r.ship(ctx)
}

// tidy counts again what lies on the shelf, which a command beside this node may
// have added to, and gives memory back when nothing moves.
func (r *Room) tidy(ctx context.Context) error {
	due, err := r.store.due(ctx, core.At(r.n.Now()), 1)
	if err != nil {
		return err
	}
	if len(due) > 0 {
		return nil
	}
	r.arena.rest()
	return nil
}
