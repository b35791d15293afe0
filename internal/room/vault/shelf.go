package vault

import (
	"context"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

// sealed is a file as it came to lie on the shelf.
type sealed struct {
	shelf  string // name on the shelf
	id     shard.Hash
	to     string // the repository's recipient
	size   int64  // of the plain file
	length int64  // of the age file
}

// seal reads a file to its end, seals it on the way, and puts it on the shelf,
// where it is on disk when seal returns. This is the only time it is sealed: its
// id is fixed here, so that whatever dies later, the same shards are sent again.
func (r *Room) seal(ctx context.Context, repo string, body io.Reader) (sealed, error) {
	recipients, own, err := r.keyring.Recipients(ctx, repo)
	if err != nil {
		return sealed{}, err
	}
	plain := &counter{r: body}
	ciphertext, err := age.EncryptReader(plain, recipients...)
	if err != nil {
		return sealed{}, fmt.Errorf("seal: %w", err)
	}
	sum := shard.NewRootHasher()
	s := sealed{shelf: local.NewName(), to: own}
	if s.length, err = r.shelf.Put(ctx, s.shelf, io.TeeReader(ciphertext, sum)); err != nil {
		return sealed{}, err
	}
	s.size = plain.n
	s.id = sum.Sums().Root
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
