package vault

import (
	"context"
	"errors"
	"io"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
)

// lost says that a file can be had neither from this disk nor from the members, as far as
// the catalogue knows.
func (r *Room) lost(ctx context.Context, o catalogue.Object) (bool, error) {
	if o.Local != "" {
		if f, err := r.retrieve.FromLocal(o); err == nil {
			return false, f.Close()
		}
	}
	all, err := r.store.Placements.Of(ctx, o.ID)
	held := catalogue.OnlyStored(all)
	return catalogue.Losses(catalogue.Fitted(o, held), catalogue.Distinct(held)) < 0, err
}

// refill seals a file that is lost anew from its bytes, which came again. What rests on it
// waits until it is off-site, as for a new one.
func (r *Room) refill(ctx context.Context, old catalogue.Object, body io.Reader) error {
	if !catalogue.IsSmall(old.File.Type) {
		done, err := r.spool.Enter(ctx, old.Size)
		if err != nil {
			return err
		}
		defer done()
	}
	s, err := r.seal(ctx, old.Repo, body) // ends in an error unless it is what its name says
	if err != nil {
		return err
	}
	fresh := old // as of an older day it is there too
	fresh.Size, fresh.Sealed, fresh.Safe = s.size, s.length, 0
	if fresh.Code, err = r.pool.Code(ctx, fresh); err != nil {
		return errors.Join(err, local.Removed(r.shelf.Remove(s.shelf)))
	}
	if _, err := r.replace(context.WithoutCancel(ctx), old, fresh, s); err != nil {
		return err
	}
	r.n.Log.Warn("a file that was lost came again", "repo", old.Repo, "file", old.File.String())
	r.work.Broadcast()
	return nil
}
