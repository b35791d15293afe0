package vault

import (
	"context"
	"errors"
	"io"

	"entrechat/internal/room/vault/catalogue"
)

// openObject opens a file in plain: from the shelf, from the cache, or brought
// back from the members. The caller closes. Returns CodeUnsure when too few
// members answer.
func (r *Room) openObject(ctx context.Context, o catalogue.Object) (*plainFile, error) {
	if o.Local != "" {
		f, err := r.fromShelf(o)
		if err == nil {
			return r.openPlain(ctx, f, o)
		}
		r.n.Log.Error("a file on the shelf cannot be read", "repo", o.Repo, "file", o.File.String(), "error", err)
	}
	if r.cache == nil {
		return r.openGathered(ctx, o)
	}
	if f := r.openCached(ctx, o); f != nil {
		return f, nil
	}
	// A reader that leaves must not take the journey away from the others, nor from
	// itself: on a slow line restic asks again before it is through.
	done := r.flights.DoChan(o.ID.String(), func() (any, error) {
		return nil, r.fetch(context.WithoutCancel(ctx), o)
	})
	select {
	case res := <-done:
		if res.Err != nil {
			return nil, res.Err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f := r.openCached(ctx, o); f != nil {
		return f, nil
	}
	return r.openGathered(ctx, o) // others pushed it out of the cache at once
}

// openCached answers nil for what is not in the cache, and for what this disk damaged
// there, which is forgotten. Hashing it whole for each of restic's small reads would be
// dear: damage in the middle shows when it is read, and then too it is forgotten.
func (r *Room) openCached(ctx context.Context, o catalogue.Object) *plainFile {
	f := r.cache.Open(o.ID)
	if f == nil {
		return nil
	}
	damaged := func() {
		r.n.Log.Error("a file in the cache was damaged", "repo", o.Repo, "file", o.File.String())
		r.cache.Drop(o.ID)
	}
	plain, err := r.openPlain(ctx, f, o)
	if err != nil {
		damaged()
		return nil
	}
	plain.broken = damaged
	return plain
}

// fetch brings an object back: to the cache, and one of the small files to the
// shelf, where it belongs.
func (r *Room) fetch(ctx context.Context, o catalogue.Object) (err error) {
	f, err := r.gather(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if catalogue.IsSmall(o.File.Type) && o.State == catalogue.Placed {
		r.keepHere(ctx, o, io.NewSectionReader(f, 0, o.Sealed))
	}
	return r.cache.Put(o.ID, f, o.Sealed)
}

// keepHere puts a small file back on the shelf. Failing is no more than slow.
func (r *Room) keepHere(ctx context.Context, o catalogue.Object, sealed io.Reader) {
	name := newShelfName()
	_, err := r.shelf.Put(ctx, name, sealed)
	if err == nil {
		err = r.store.Objects.SetLocal(ctx, r.n.DB, o.ID, name)
	}
	if err != nil {
		r.n.Log.Warn("keeping a small file failed", "file", o.File.String(), "error", err)
	}
}

// openGathered reads an object from the members for one reader alone.
func (r *Room) openGathered(ctx context.Context, o catalogue.Object) (*plainFile, error) {
	f, err := r.gather(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.openPlain(ctx, f, o)
}

// readSmall reads a whole file of at most so many bytes.
func (r *Room) readSmall(ctx context.Context, o catalogue.Object, most int64) ([]byte, error) {
	plain, err := r.openObject(ctx, o)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(plain, most))
	return text, errors.Join(err, plain.Close())
}
