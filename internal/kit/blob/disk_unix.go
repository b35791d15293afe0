//go:build unix

package blob

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
)

// Free is how many bytes an ordinary user may still write on the disk.
func (d *Dir) Free() (core.Size, error) {
	if _, err := d.at(); err != nil {
		return 0, err
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.path, &st); err != nil {
		return 0, d.trouble(fmt.Errorf("free space of %s: %w", d.path, err))
	}
	return core.Size(st.Bavail) * core.Size(st.Bsize), nil //nolint:gosec // the types differ by system; both are small
}

// claim marks an open draft as somebody's until it is closed, by a crash too.
// known is false on a disk that has no locks.
func claim(f *os.File) (mine, known bool) {
	err := disk.TryLock(f)
	if errors.Is(err, disk.ErrLocked) {
		return false, true
	}
	return true, err == nil
}
