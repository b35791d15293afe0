package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"entrechat/internal/core"
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
		if left < a.Config.Node.Floor {
			return core.Full("app.disk_low", fmt.Errorf("%d bytes free", left)).
				With("Free", left).With("Floor", a.Config.Node.Floor).With("Data", path)
		}
	}
	return nil
}
