package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
)

// storePath is where the members' shards lie; it may be a disk of its own.
func (a *App) storePath() string { return filepath.Join(a.Data, "store") }

// checkDisk: there is room above the floor, on the node's disk and on the store's.
func (d ownChecks) checkDisk(context.Context) error {
	for _, path := range []string{d.Data, d.storePath()} {
		left, err := datadir.Free(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the store is made when the rooms open
		}
		if err != nil {
			return err
		}
		if left < d.Config.Node.Floor {
			return core.Full("app.disk_low", fmt.Errorf("%d bytes free", left)).
				With("Free", left).With("Floor", d.Config.Node.Floor).With("Data", path)
		}
	}
	return nil
}
