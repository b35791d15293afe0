package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// free is how many bytes may still be written where a path lies.
func free(path string) (core.Size, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return 0, fmt.Errorf("measure disk: %w", err)
	}
	return core.Size(fs.Bavail) * core.Size(fs.Bsize), nil //nolint:gosec // a disk's size fits
}

// storePath is where the members' shards lie; it may be a disk of its own.
func (a *App) storePath() string { return filepath.Join(a.Data, "store") }

// checkDisk: there is room above the floor, on the node's disk and on the store's.
func (a *App) checkDisk(context.Context) error {
	for _, path := range []string{a.Data, a.storePath()} {
		left, err := free(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the store is made when the rooms open
		}
		if err != nil {
			return err
		}
		if left < a.Config.Vault.Floor {
			return core.Full("app.disk_low", fmt.Errorf("%d bytes free", left)).
				With("Free", left).With("Floor", a.Config.Vault.Floor).With("Data", path)
		}
	}
	return nil
}

// checkPromises: what members may still send us by our pacts fits on the disk.
func (a *App) checkPromises(ctx context.Context) (fit.Finding, error) {
	known, err := a.Book.Known(ctx)
	if err != nil || a.trust == nil || a.local == nil {
		return fit.Unknown("app.promises_none", nil), err
	}
	var promised, due core.Size
	for _, m := range known {
		allowed, err := a.trust.May(ctx, m.ID, core.GrantStore)
		if m.ID == a.Signer.ID() || core.CodeOf(err) == core.CodeDenied || err == nil && allowed.ReadOnly {
			continue
		}
		if err != nil {
			return fit.Finding{}, err
		}
		kept, err := a.local.Used(ctx, m.ID)
		if err != nil {
			return fit.Finding{}, err
		}
		promised += core.Size(allowed.Grant.Bytes)
		due += max(0, core.Size(allowed.Grant.Bytes)-kept)
	}
	if promised == 0 {
		return fit.Unknown("app.promises_none", nil), nil
	}
	left, err := free(a.storePath())
	if err != nil {
		return fit.Finding{}, err
	}
	said := map[string]any{"Promised": promised, "Due": due, "Free": left, "Floor": a.Config.Vault.Floor, "Data": a.storePath()}
	if due > left-a.Config.Vault.Floor {
		return fit.Finding{}, &core.Error{
			Code: core.CodeFull, Key: "app.promises_too_large", Args: said, Err: fmt.Errorf("%d bytes may come, %d are free", due, left),
		}
	}
	return fit.Well("app.promises_fit", said), nil
}
