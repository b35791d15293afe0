package shipping

import (
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

// Sealed is a file as it came to lie in the local store.
type Sealed struct {
	Local  string // name in the local store
	ID     shard.Hash
	To     string // the repository's recipient
	Size   int64  // of the plain file
	Length int64  // of the age file
}

// Seal reads a file to its end, seals it on the way, and puts it in the local store,
// where it is on disk when seal returns. This is the only time it is sealed: its
// id is fixed here, so that whatever dies later, the same shards are sent again.
func (r *Shipper) Seal(ctx context.Context, repo string, body io.Reader) (Sealed, error) {
	recipients, own, err := r.Keyring.Recipients(ctx, repo)
	if err != nil {
		return Sealed{}, err
	}
	plain := &counter{r: body}
	ciphertext, err := age.EncryptReader(plain, recipients...)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal: %w", err)
	}
	sum := shard.NewRootHasher()
	s := Sealed{Local: local.NewName(), To: own}
	if s.Length, err = r.Local.Put(ctx, s.Local, io.TeeReader(ciphertext, sum)); err != nil {
		return Sealed{}, err
	}
	s.Size = plain.n
	s.ID = sum.Sums().Root
	return s, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Accept seals a file into the local store and writes its row; then it is ours to
// place. Returns CodeConflict when the name was taken meanwhile, CodeFull when the
// spool or the disk is.
func (r *Shipper) Accept(ctx context.Context, o catalogue.Object, body io.Reader) (catalogue.Object, error) {
	if !catalogue.IsSmall(o.File.Type) {
		done, err := r.Spool.Enter(ctx, o.Size)
		if err != nil {
			return o, err
		}
		defer done()
	}
	s, err := r.Seal(ctx, o.Repo, body)
	if err != nil {
		return o, err
	}
	o.ID, o.Local, o.Size, o.Sealed, o.SealedTo = s.ID, s.Local, s.Size, s.Length, s.To
	o.State, o.Made = catalogue.Waiting, core.At(r.Now())
	if o.Code, err = r.Pool.Code(ctx, o); err != nil {
		return o, errors.Join(err, local.Removed(r.Local.Remove(s.Local)))
	}
	// Once the row may be there the file must stay, even if nobody waits any more.
	if o.Seq, err = r.Store.Objects.Add(context.WithoutCancel(ctx), o); err != nil {
		if core.CodeOf(err) == core.CodeConflict {
			r.Drop(s.Local)
		}
		return o, err
	}
	r.addSpooled(o)
	r.Work.Broadcast()
	return o, nil
}

// Drop removes a file that no row names.
func (r *Shipper) Drop(name string) {
	if err := r.Local.Remove(name); err != nil {
		r.Log.Warn("removing a file from the local store failed", "file", name, "error", err)
	}
}
