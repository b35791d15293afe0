package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/vault/shard"
)

// stuckAfter is how long a file may wait to leave before doctor speaks of it.
const stuckAfter = time.Hour

// Checks are the room's questions for `doctor`. A node without backups is asked
// none of them.
func (r *Room) Checks() []fit.Check {
	all := []fit.Check{
		{Name: "vault.check_lenders", Run: r.checkLenders},
		{Name: "vault.check_backups", Run: r.checkBackups},
		{Name: "vault.check_spool", Run: r.checkSpool},
		{Name: "vault.check_kit", Run: r.checkKit},
	}
	for i, c := range all {
		all[i].Run = func(ctx context.Context) error {
			repos, err := r.store.repos(ctx)
			if err != nil || len(repos) == 0 {
				return err
			}
			return c.Run(ctx)
		}
	}
	return all
}

func (r *Room) checkLenders(ctx context.Context) error {
	lenders, err := r.pool.all(ctx)
	if err != nil {
		return err
	}
	switch shard.Domains(lenders) {
	case 0:
		return core.Full("vault.no_lender", errors.New("no member lends us room"))
	case 1:
		return core.Unsure("vault.one_lender", errors.New("one domain"))
	}
	return nil
}

// checkBackups names the first backup that is not safe.
func (r *Room) checkBackups(ctx context.Context) error {
	report, err := r.Status(ctx, "")
	if err != nil {
		return err
	}
	for _, s := range report.Backups {
		if s.Level != LevelSafe && s.Level != LevelEmpty {
			return core.Unsure("vault.backup_unsafe", fmt.Errorf("%s is %s", s.Name, s.Level)).
				With("Name", s.Name).With("State", r.n.Words.T("vault.level."+string(s.Level), nil))
		}
	}
	return nil
}

func (r *Room) checkSpool(ctx context.Context) error {
	if err := r.whole(ctx); err != nil {
		return err
	}
	stuck, err := r.store.stuck(ctx, core.At(r.n.Now().Add(-stuckAfter)))
	if err != nil || stuck == 0 {
		return err
	}
	return core.Unsure("vault.spool_stuck", fmt.Errorf("%d files", stuck)).With("Count", stuck)
}

func (r *Room) checkKit(ctx context.Context) error {
	checked, err := r.kitChecked(ctx)
	if err != nil || checked != 0 {
		return err
	}
	return core.Unsure("vault.kit_unchecked", errors.New("kit never checked"))
}
