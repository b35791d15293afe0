package warning

import (
	"context"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// settles is how long a backup must have been seen too old, without a break, before people
// are told: after a while away a member sees old ones until what it missed has come.
const settles = 3 * time.Hour

// backupPrefix begins the name of each notice of a backup.
const backupPrefix = "backup-"

// episode names the time in which a backup is too old, alike at all who store it: by the
// day on which the last one was finished. A clock that is wrong, or a snapshot that reached
// one of them only, makes two.
func episode(id string, finished core.Moment) string {
	last := "none"
	if finished > 0 {
		last = finished.Time().UTC().Format("20060102")
	}
	return backupPrefix + id + "-" + last
}

// watched is one target of another member.
type watched struct {
	owner core.MemberID
	id    string
}

// Backups has the people of those whose backups we store told of the ones that are too old,
// and ends what was said of those that are not. Of one that we know nothing of now, what was
// said stands. Only its job calls it.
func (w *Warnings) Backups(ctx context.Context) error {
	all, err := w.n.Targets.All(ctx)
	if err != nil {
		return err
	}
	lasting, err := w.n.Lasting(ctx, delivery.Backup)
	if err != nil {
		return err
	}
	said := map[watched]bool{}
	for _, s := range lasting {
		said[watched{s.Owner, targetOf(s.Incident)}] = true
	}
	now := core.At(w.n.Now())
	stale := map[watched]core.Moment{}
	for _, t := range all {
		if t.Kind != target.Backup || t.Paused || t.Owner == w.n.Self {
			continue
		}
		if err := w.backup(ctx, t, stale, said[watched{t.Owner, t.ID}]); err != nil {
			return err
		}
	}
	w.since = stale
	for _, s := range lasting {
		if _, stands := stale[watched{s.Owner, targetOf(s.Incident)}]; stands {
			continue
		}
		if err := w.n.Alerts.Absorb(ctx, s.Owner, s.Incident, now); err != nil {
			return err
		}
	}
	return nil
}

// backup looks at one backup. It puts into stale those that are not well: since when one is
// too old, zero where we do not know. said is whether it was told, and is not over.
func (w *Warnings) backup(ctx context.Context, t target.Target, stale map[watched]core.Moment, said bool) error {
	k, now := watched{t.Owner, t.ID}, core.At(w.n.Now())
	r, finished := w.n.Age(ctx, t)
	if r.Class == look.Fine {
		return nil
	}
	if stale[k] = w.since[k]; r.Class != look.Stale {
		return nil
	}
	if stale[k] == 0 {
		stale[k] = now
	}
	if said || now.Sub(stale[k]) < settles {
		return nil
	}
	return w.n.Alerts.Tell(ctx, delivery.Notice{
		Owner: t.Owner, Incident: episode(t.ID, finished), Kind: delivery.Backup, Services: []string{t.Service}, At: now,
	})
}

// targetOf is the target in the name of a notice of a backup.
func targetOf(incident string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(incident, backupPrefix), "-")
	return id
}
