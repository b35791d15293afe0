package retrieve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
)

// justSealed is how long a file that this process sealed and hashed needs no second
// look: the system still has it in memory.
const justSealed = time.Minute

// Sealed is a sealed object on this disk, for a while.
type Sealed interface {
	io.ReaderAt
	io.Closer
}

// Load opens a sealed object in the local store, or brings it back from the members.
func (r *Retriever) Load(ctx context.Context, o catalogue.Object) (Sealed, error) {
	if o.Local == "" {
		return r.Gather(ctx, o)
	}
	f, broken := r.FromLocal(o)
	if broken == nil {
		return f, nil
	}
	back, err := r.Gather(ctx, o)
	if err != nil {
		return nil, errors.Join(broken, err)
	}
	return back, nil
}

// FromLocal opens a sealed object in the local store. Returns CodeInternal for one that
// this disk lost or changed: the members may have it all the same.
func (r *Retriever) FromLocal(o catalogue.Object) (Sealed, error) {
	f, err := r.Local.Open(o.Local)
	if err != nil {
		return nil, localBroken(o, err)
	}
	if age := r.Now().Sub(o.Made.Time()); age < justSealed && o.Made.Time().After(r.born) {
		return f, nil
	}
	// A flipped bit would otherwise be copied to every member, or hide from a reader
	// what they have.
	id, err := encoding.ObjectID(f, o.Sealed)
	if err == nil && id != o.ID {
		err = errors.New("not what was written")
	}
	if err != nil {
		return nil, errors.Join(localBroken(o, err), f.Close())
	}
	return f, nil
}

func localBroken(o catalogue.Object, err error) error {
	if access.Denied(err) {
		return err // it says which file, and what to do
	}
	return core.Internal("vault.local_broken", fmt.Errorf("%s of %s in the local store: %w", o.File, o.Repo, err)).
		With("Name", o.Repo).With("File", o.File.String())
}
