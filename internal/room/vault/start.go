package vault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
)

// orphanAge is how old a file without a row must be to be taken for what a crash
// left: a command beside this node may just be writing one.
const orphanAge = time.Hour

// Start makes the room ready to serve: an empty cache, and shelf and catalogue in
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
	if err := errors.Join(r.compareAtStart(ctx), r.checkCodes(ctx)); err != nil {
		return err
	}
	if err := r.tidy(ctx); err != nil {
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

// tidy brings shelf and catalogue into agreement. While too few members were asked,
// nothing is taken out of either.
func (r *Room) tidy(ctx context.Context) error {
	c, err := r.catalogue(ctx)
	if err != nil {
		return err
	}
	if c.Standing == Whole {
		if err := r.restoreUnexplained(ctx); err != nil {
			return err
		}
	}
	named, err := r.checkShelf(ctx, c.Standing == Whole)
	if err != nil || c.Standing != Whole {
		return err
	}
	return r.sweepShelf(named)
}

// checkShelf compares every row with its file and answers the names in use. sure says
// that the members were asked what they have.
func (r *Room) checkShelf(ctx context.Context, sure bool) (map[string]bool, error) {
	rows, err := r.store.Objects.Local(ctx)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, o := range rows {
		info, err := r.shelf.Stat(o.Local)
		switch {
		case local.IsMissing(err), core.CodeOf(err) == core.CodeInvalid, err == nil && info.Size() != o.Sealed: // or its name was changed
			var name string
			if name, err = r.missing(ctx, o, sure); name != "" {
				named[name] = true
			}
		case err != nil:
			named[o.Local] = true // nobody knows that it is not there
			err = r.leave(err)
		case o.Deleted != 0:
			if err = r.store.Objects.SetLocal(ctx, r.n.DB, o.ID, ""); err == nil {
				err = local.Removed(r.shelf.Remove(o.Local))
			}
		default:
			named[o.Local] = true
			err = r.shipping.Release(ctx, o)
		}
		if err != nil {
			return nil, err
		}
	}
	return named, nil
}

// missing deals with a row whose file is gone or cut short: this disk lost it,
// because a crash of ours cannot. One that lies on the shelf under another name is
// answered, and its row names it again. Where the members cannot give it back either, and
// never could, it is Gone: restic may send it again, and what rests on it is
// refused; until enough of them were asked, the front is told that it cannot know.
func (r *Room) missing(ctx context.Context, o catalogue.Object, sure bool) (name string, err error) {
	if o.Deleted == 0 {
		switch name, err = r.onShelf(o); {
		case err != nil: // what cannot be read may be it: nobody knows that it is not there
			return "", r.leave(err)
		case name != "":
			return name, r.store.Objects.SetLocal(ctx, r.n.DB, o.ID, name)
		}
	}
	all, err := r.store.Placements.Of(ctx, o.ID)
	if err != nil {
		return "", err
	}
	there := o.Deleted != 0 || o.Code.K != 0 && catalogue.Losses(o.Code, catalogue.Distinct(catalogue.MayGive(all))) >= 0
	if !there && !sure {
		return "", r.store.Notes.Set(ctx, noteBehind, behindShelf)
	}
	if err := r.store.Objects.SetLocal(ctx, r.n.DB, o.ID, ""); err != nil || there {
		return "", err
	}
	r.n.Log.Error("this disk lost a file that was acknowledged", "repo", o.Repo, "file", o.File.String())
	if o.Safe != 0 {
		return "", nil // snapshots rest on it: it stays, and cannot be read
	}
	return "", r.store.Objects.Lose(ctx, o.ID, core.At(r.n.Now()))
}

// sweepShelf removes old files that no row names.
func (r *Room) sweepShelf(named map[string]bool) error {
	var orphans []string
	err := r.shelf.Walk("", func(name string) error {
		info, err := r.shelf.Stat(name)
		if err == nil && !named[name] && r.n.Now().Sub(info.ModTime()) > orphanAge {
			orphans = append(orphans, name)
		}
		return local.Removed(err)
	})
	if r.leave(err) != nil {
		return fmt.Errorf("walk the shelf: %w", err)
	}
	for _, name := range orphans {
		if err := r.leave(local.Removed(r.shelf.Remove(name))); err != nil {
			return err
		}
	}
	return nil
}
