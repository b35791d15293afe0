package retrieve

import (
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
)

// Open opens a file in plain: from the local store, from the cache, or brought
// back from the members. The caller closes. Returns CodeUnsure when too few
// members answer.
func (r *Retriever) Open(ctx context.Context, o catalogue.Object) (*Plain, error) {
	if o.Local != "" {
		f, err := r.FromLocal(o)
		if err == nil {
			return r.openPlain(ctx, f, o)
		}
		r.Log.Error("a file in the local store cannot be read", "repo", o.Repo, "file", o.File.String(), "error", err)
	}
	if r.Cache == nil {
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
func (r *Retriever) openCached(ctx context.Context, o catalogue.Object) *Plain {
	f := r.Cache.Open(o.ID)
	if f == nil {
		return nil
	}
	damaged := func() {
		r.Log.Error("a file in the cache was damaged", "repo", o.Repo, "file", o.File.String())
		r.Cache.Drop(o.ID)
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
// local store, where it belongs.
func (r *Retriever) fetch(ctx context.Context, o catalogue.Object) (err error) {
	f, err := r.Gather(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if catalogue.IsSmall(o.File.Type) && o.State == catalogue.Placed {
		r.storeLocal(ctx, o, io.NewSectionReader(f, 0, o.Sealed))
	}
	return r.Cache.Put(o.ID, f, o.Sealed)
}

// storeLocal puts a small file back in the local store. Failing is no more than slow.
func (r *Retriever) storeLocal(ctx context.Context, o catalogue.Object, sealed io.Reader) {
	name := local.NewName()
	_, err := r.Local.Put(ctx, name, sealed)
	if err == nil {
		err = r.Store.Objects.SetLocal(ctx, r.DB, o.ID, name)
	}
	if err != nil {
		r.Log.Warn("keeping a small file failed", "file", o.File.String(), "error", err)
	}
}

// openGathered reads an object from the members for one reader alone.
func (r *Retriever) openGathered(ctx context.Context, o catalogue.Object) (*Plain, error) {
	f, err := r.Gather(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.openPlain(ctx, f, o)
}

// ReadSmall reads a whole file of at most so many bytes.
func (r *Retriever) ReadSmall(ctx context.Context, o catalogue.Object, most int64) ([]byte, error) {
	plain, err := r.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(plain, most))
	return text, errors.Join(err, plain.Close())
}

// openPlain opens a sealed object on disk for random access, and closes it with the
// answer.
func (r *Retriever) openPlain(ctx context.Context, f Sealed, o catalogue.Object) (*Plain, error) {
	identities, err := r.Keyring.Identities(ctx, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	plain, size, err := age.DecryptReaderAt(f, o.Sealed, identities...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sealed file: %w", err), f.Close())
	}
	return &Plain{from: plain, close: f.Close, size: size}, nil
}
