package recovery

import (
	"context"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
)

// OrphanAge is how old a file without a row must be to be taken for what a crash
// left: a command beside this node may just be writing one.
const OrphanAge = time.Hour

// Tidy brings local store and catalogue into agreement. While too few members were asked,
// nothing is taken out of either.
func (r *Recovery) Tidy(ctx context.Context) error {
	c, err := r.Standing(ctx)
	if err != nil {
		return err
	}
	if c.Standing == Whole {
		if err := r.restoreUnexplained(ctx); err != nil {
			return err
		}
	}
	named, err := r.Disk.CheckFiles(ctx, c.Standing == Whole)
	if err != nil || c.Standing != Whole {
		return err
	}
	return r.Disk.sweep(named)
}

// CheckFiles compares every row with its file and answers the names in use. sure says
// that the members were asked what they have.
func (r *Disk) CheckFiles(ctx context.Context, sure bool) (map[string]bool, error) {
	rows, err := r.store.Objects.Local(ctx)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, o := range rows {
		info, err := r.n.Local.Stat(o.Local)
		switch {
		case local.IsMissing(err), core.CodeOf(err) == core.CodeInvalid, err == nil && info.Size() != o.Sealed: // or its name was changed
			var name string
			if name, err = r.missing(ctx, o, sure); name != "" {
				named[name] = true
			}
		case err != nil:
			named[o.Local] = true // nobody knows that it is not there
			err = r.n.Aside(err)
		case o.Deleted != 0:
			if err = r.store.Objects.SetLocal(ctx, r.n.DB, o.ID, ""); err == nil {
				err = local.Removed(r.n.Local.Remove(o.Local))
			}
		default:
			named[o.Local] = true
			err = r.n.DropPlaced(ctx, o)
		}
		if err != nil {
			return nil, err
		}
	}
	return named, nil
}

// missing deals with a row whose file is gone or too short: this disk lost it,
// because a crash of ours cannot. One that lies in the local store under another name is
// answered, and its row names it again. Where the members cannot give it back either, and
// never could, it is Gone: restic may send it again, and what rests on it is
// refused; until enough of them were asked, the front is told that it cannot know.
func (r *Disk) missing(ctx context.Context, o catalogue.Object, sure bool) (name string, err error) {
	if o.Deleted == 0 {
		switch name, err = r.Find(o); {
		case err != nil: // what cannot be read may be it: nobody knows that it is not there
			return "", r.n.Aside(err)
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
		return "", r.store.Notes.Set(ctx, NoteBehind, behindLocal)
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

// sweep removes old files that no row names.
func (r *Disk) sweep(named map[string]bool) error {
	var orphans []string
	err := r.n.Local.Walk("", func(name string) error {
		info, err := r.n.Local.Stat(name)
		if err == nil && !named[name] && r.n.Now().Sub(info.ModTime()) > OrphanAge {
			orphans = append(orphans, name)
		}
		return local.Removed(err)
	})
	if r.n.Aside(err) != nil {
		return fmt.Errorf("walk the local store: %w", err)
	}
	for _, name := range orphans {
		if err := r.n.Aside(local.Removed(r.n.Local.Remove(name))); err != nil {
			return err
		}
	}
	return nil
}
