//go:build unix

package blob

import (
	"fmt"
	"syscall"

	"entrechat/internal/core"
)

// Free is how many bytes an ordinary user may still write on the disk.
func (d *Dir) Free() (core.Size, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.path, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", d.path, err)
	}
	return core.Size(st.Bavail) * core.Size(st.Bsize), nil //nolint:gosec // the types differ by system; both are small
}
