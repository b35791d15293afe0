package disk

import (
	"errors"
	"os"
	"syscall"
)

// ErrLocked says that another process, or another open file of this one, has the lock.
var ErrLocked = errors.New("locked by another process")

// TryLock locks an open file until it is closed, by the end of the process too, however
// it ends. It does not wait. Returns ErrLocked; any other error says that this disk knows
// no locks, or cannot be asked.
func TryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:forbidigo // its place
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
