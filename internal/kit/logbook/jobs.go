package logbook

import (
	"context"
	"fmt"
	"time"

	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook/guard"
)

// Jobs are what keeps the logs going between members while the node is up; the
// readers are told what is new.
func (b *Book) Jobs(readers []Reader) []jobs.Job {
	t := b.tuning
	all := []jobs.Job{
		{Name: "logbook-guard", Every: max(guard.RenewEvery, t.Lease), Run: b.Guard.RenewLease},
		{Name: "logbook-lease", Every: t.Lease, Run: b.Guard.AnswerLease},
		{Name: "logbook-check", Every: t.Deliver, Run: b.Repair.CheckLogs},
		{Name: "logbook-pull", Every: t.Pull, Jitter: t.Pull / 10, Run: b.parts.Exchange.RetryAllFirst(b.parts.Exchange.Pull)},
		{Name: "logbook-push", Every: t.Push, Run: b.parts.Exchange.RetryAllFirst(b.parts.Pusher.Push)},
		{Name: "logbook-hints", Run: b.parts.Exchange.AnswerHints},
		{Name: "logbook-pulls", Run: b.parts.Exchange.Finish},
		{Name: "logbook-pushes", Run: b.parts.Pusher.Finish},
		{Name: "logbook-resign", Every: t.Resign, Jitter: t.Resign / 10, Later: true, Run: b.Resign},
		{Name: "logbook-deliver", Every: t.Deliver, Run: func(ctx context.Context) error { return b.delivery.deliver(ctx, readers) }},
	}
	if t.NoListen {
		return all
	}
	for i := range t.Fixed {
		all = append(all, jobs.Job{
			Name: fmt.Sprintf("logbook-listen-%d", i+1), Every: 5 * time.Second, Later: true,
			Run: func(ctx context.Context) error { return b.parts.Exchange.Listen(ctx, i) },
		})
	}
	return all
}
