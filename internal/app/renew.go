package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/seal"
)

// renewal is a change of our key set that only the root key may make.
type renewal struct {
	seed   seal.Seed
	newKey bool
	// change signs the new key set with a book that holds the key to come.
	change func(ctx context.Context, a *App, root ed25519.PrivateKey) error
}

// run makes the change on an open node. With a new key the node must be stopped, as
// it holds the old one in memory. A run that broke off is taken up where it was: the
// drawn key waits beside the one in force until the key set names it.
// Returns CodeDenied for another node's words, CodeConflict while the node runs, and
// what the change returns.
func (r renewal) run(ctx context.Context, a *App) error {
	if err := datadir.RefuseRehearsal(a.Data); err != nil {
		return err
	}
	self, err := a.Book.Member(ctx, a.Signer.ID())
	if err != nil {
		return err
	}
	if r.seed.Root() != self.Root {
		return core.Denied("seal.other_seed", errors.New("words of another node")).With("Origin", a.Signer.ID())
	}
	if !r.newKey {
		return r.change(ctx, a, r.seed.RootKey())
	}
	release, err := datadir.Lock(a.Data)
	if core.CodeOf(err) == core.CodeConflict {
		return core.Conflict("app.stop_first", fmt.Errorf("the node runs with the key to be replaced: %w", err))
	}
	if err != nil {
		return err
	}
	defer release()
	next := filepath.Join(a.Data, datadir.SecretsDir, datadir.NextKeyName)
	if _, err := os.Stat(next); errors.Is(err, fs.ErrNotExist) {
		if _, err := seal.NewKeyFile(next); err != nil {
			return err
		}
	}
	if err := r.under(ctx, a); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(a.Data, datadir.SecretsDir, datadir.LogKeyName)); err != nil { //nolint:forbidigo // the key is whole and synced under its other name
		return fmt.Errorf("put the new key in place: %w", err)
	}
	return disk.SyncFolder(filepath.Dir(next))
}

// under makes the change with the drawn key, unless it was made before the last run
// broke off.
func (r renewal) under(ctx context.Context, a *App) error {
	renewed := &App{Data: a.Data, Log: a.Log, Words: a.Words, Lang: a.Lang, alone: true}
	if err := renewed.openWith(ctx, datadir.NextKeyName); err != nil {
		return err
	}
	defer renewed.Close() //nolint:errcheck // what was signed is on the disk
	keys, _, err := renewed.Book.KeySet(ctx, renewed.Signer.ID())
	if err != nil {
		return err
	}
	if renewed.Signer.Public().Equal(keys.Current()) {
		return nil
	}
	return r.change(ctx, renewed, r.seed.RootKey())
}
