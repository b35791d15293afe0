package vault

import (
	"context"
	"time"

	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/recovery"
)

// Jobs is what runs while the node is up.
func (r *Room) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "vault-ship", Every: time.Second, Run: r.serve},
		{Name: "vault-delete", Every: time.Minute, Jitter: 10 * time.Second, Run: r.removals.Send},
		{Name: "vault-compare", Every: recovery.CompareTick, Jitter: time.Second, Later: true, Run: r.recovery.CompareDue},
		// About 100 audits a day and member: a tenth lost is seen the same day, a
		// hundredth within five.
		{Name: "vault-audit", Every: 13 * time.Minute, Jitter: 2 * time.Minute, Later: true, Run: r.upkeep.AuditSome},
		{Name: "vault-return", Every: 20 * time.Second, Jitter: 2 * time.Second, Later: true, Run: r.upkeep.LookForReturned},
		{Name: "vault-prove", Every: 7 * time.Minute, Jitter: time.Minute, Later: true, Run: r.upkeep.ProveAll},
		{Name: "vault-leaving", Every: 20 * time.Second, Jitter: 2 * time.Second, Run: r.upkeep.WatchLeaving},
		{Name: "vault-room", Every: 15 * time.Second, Jitter: time.Second, Run: r.admission.Watch},
		{Name: "vault-report", Every: health.PublicEvery, Jitter: time.Second, Run: r.doctor.KeepPublic},
		{Name: "vault-password", Every: 24 * time.Hour, Jitter: time.Hour, Run: r.backups.CheckPasswords},
		{Name: "vault-hear", Every: 20 * time.Second, Jitter: 2 * time.Second, Run: r.recovery.HearMore},
		{Name: "vault-day", Every: 10 * time.Minute, Jitter: time.Minute, Later: true, Run: r.recordDay},
		{Name: "vault-readers", Every: time.Minute, Jitter: 10 * time.Second, Run: r.TellReaders},
		{Name: "vault-heir", Every: 24 * time.Hour, Jitter: time.Hour, Run: r.Sweep},
		{Name: "vault-repair", Every: time.Hour, Jitter: 10 * time.Minute, Run: r.upkeep.Repair},
	}
}

// serve makes the room ready once, then ships until ctx ends.
func (r *Room) serve(ctx context.Context) error {
	select {
	case <-r.started:
	default:
		if err := r.begun(r.Start(ctx)); err != nil {
			return err
		}
		close(r.started)
	}
	return r.shipping.Run(ctx)
}
