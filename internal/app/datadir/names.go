package datadir

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"entrechat/internal/core"
)

// ConfigName is the one configuration file, inside the data directory.
const ConfigName = "entrechat.toml"

// Names of files in the data directory.
const (
	DatabaseName  = "entrechat.db"
	SecretsDir    = "secrets"
	LogKeyName    = "log.key"
	NextKeyName   = "log.key.next" // drawn by a rotation that is not through
	SharedKeyName = "vault.agekey" // only where backups are older than their own keys
	RecoveryName  = "recovery.age"
)

const (
	// RehearsalName is the file that makes a data directory a rehearsal: the document by
	// which the root key lets this directory's key read.
	RehearsalName = "rehearsal.json"
	// RecoveringName marks a data directory whose recovery has not taken over yet.
	RecoveringName = "recovering"
)

// Default is where a node lives when nobody says: /var/lib/entrechat for root
// and services, a folder of the user's otherwise.
func Default(env func(string) string) string {
	if data := env("ENTRECHAT_DATA"); data != "" {
		return data
	}
	if home := env("HOME"); os.Getuid() != 0 && home != "" {
		return filepath.Join(home, ".local", "share", "entrechat")
	}
	return "/var/lib/entrechat"
}

// Disk is how many bytes may still be written where a path lies, and how many its disk has.
func Disk(path string) (free, total core.Size, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(path, &disk); err != nil {
		return 0, 0, fmt.Errorf("measure disk: %w", err)
	}
	block := core.Size(disk.Bsize)
	return core.Size(disk.Bavail) * block, core.Size(disk.Blocks) * block, nil //nolint:gosec // a disk's size fits
}

// Free is how many bytes may still be written where a path lies.
func Free(path string) (core.Size, error) {
	free, _, err := Disk(path)
	return free, err
}
