package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
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

// Alone runs do while no other process runs one with this file, which is made where it is
// missing: the command line works beside the running node. It waits for its turn until ctx ends;
// the lock ends with the process, however it ends. A disk without locks is taken for free.
func Alone(ctx context.Context, path string, do func() error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open a lock: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing is written
	for errors.Is(TryLock(f), ErrLocked) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return do()
}
