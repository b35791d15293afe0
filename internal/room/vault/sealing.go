package vault

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/age"

	"entrechat/internal/room/vault/catalogue"
)

// openPlain opens a sealed object on disk for random access, and closes it with the
// answer.
func (r *Room) openPlain(ctx context.Context, f stored, o catalogue.Object) (*plainFile, error) {
	identities, err := r.keyring.Identities(ctx, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	plain, size, err := age.DecryptReaderAt(f, o.Sealed, identities...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sealed file: %w", err), f.Close())
	}
	return &plainFile{from: plain, close: f.Close, size: size}, nil
}
