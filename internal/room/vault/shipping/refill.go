package shipping

import (
	"context"
	"errors"
	"io"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
)

// Lost says that a file can be had neither from this disk nor from the members, as far as
// the catalogue knows.
func (r *Shipper) Lost(ctx context.Context, o catalogue.Object) (bool, error) {
	if o.Local != "" {
		if f, err := r.Retrieve.FromLocal(o); err == nil {
			return false, f.Close()
		}
	}
	all, err := r.Store.Placements.Of(ctx, o.ID)
	stored := catalogue.OnlyStored(all)
	return catalogue.Losses(catalogue.Fitted(o, stored), catalogue.Distinct(stored)) < 0, err
}

// Refill seals a file that is lost anew from its bytes, which came again. What rests on it
// waits until it is off-site, as for a new one.
func (r *Shipper) Refill(ctx context.Context, old catalogue.Object, body io.Reader) error {
	if !catalogue.IsSmall(old.File.Type) {
		done, err := r.Spool.Enter(ctx, old.Size)
		if err != nil {
			return err
		}
		defer done()
	}
	s, err := r.Seal(ctx, old.Repo, body) // ends in an error unless it is what its name says
	if err != nil {
		return err
	}
	fresh := old // as of an older day it is there too
	fresh.Size, fresh.Sealed, fresh.Safe = s.Size, s.Length, 0
	if fresh.Code, err = r.Pool.Code(ctx, fresh); err != nil {
		return errors.Join(err, local.Removed(r.Local.Remove(s.Local)))
	}
	if _, err := r.replace(context.WithoutCancel(ctx), old, fresh, s); err != nil {
		return err
	}
	r.Log.Warn("a file that was lost came again", "repo", old.Repo, "file", old.File.String())
	r.Work.Broadcast()
	return nil
}
