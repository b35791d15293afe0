package vault

import (
	"context"
	"errors"
	"path/filepath"

	"entrechat/internal/room/vault/local"
)

// Start makes the room ready to serve: an empty cache, and local store and catalogue in
// agreement again after whatever happened. Nothing acknowledged is lost by it. A file
// that this user may not read is left aside and named; everything else starts.
func (r *Room) Start(ctx context.Context) error {
	if r.n.Lending != nil {
		if err := r.n.Lending.Start(ctx); err != nil {
			return err
		}
	}
	var err error
	if err := r.folders(); err != nil {
		return err // its disk is away: to be tried again, and nothing is missing
	}
	if r.retrieve.Cache, err = local.NewCache(filepath.Join(r.n.Dir, "cache"), int64(r.n.Config.Cache)); r.leave(err) != nil {
		return err
	}
	if err := errors.Join(r.recovery.CompareAtStart(ctx), r.recovery.Disk.CheckCodes(ctx)); err != nil {
		return err
	}
	if err := r.recovery.Tidy(ctx); err != nil {
		return err
	}
	used, err := r.store.Objects.Spooled(ctx)
	if err != nil {
		return err
	}
	r.spool.Reset(used)
	repos, err := r.store.Repos.All(ctx)
	if err != nil {
		return err
	}
	for _, repo := range repos {
		err := r.keyring.Give(ctx, &repo)
		if err == nil {
			err = r.backups.Record(ctx, repo)
		}
		if err != nil {
			err = r.leave(err)
		}
		if err != nil {
			r.n.Log.Warn("writing a backup's record failed", "repo", repo.Name, "error", err)
		}
	}
	return nil
}
