package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// DraftPrefix begins the names of files that are not whole yet.
const DraftPrefix = ".tmp-"

const (
	// fresh is how old a draft must be before it may be taken for abandoned: its writer
	// may not have locked it yet.
	fresh = time.Minute
	// abandoned is that age on a disk without locks.
	abandoned = 48 * time.Hour
)

// Replace writes a file of mode 0600 in the place of what is there, if anything. After a
// crash the one or the other is there, whole. When it fails the old file is there, but
// where the folder itself could not be synced: then the new one may go again in a crash.
// Returns fs.ErrNotExist when there is no such folder, syscall.ENOSPC and the like as the
// disk says it.
func Replace(path string, data []byte) error {
	return write(system(), path, data, func(s steps, at *os.Root, draft, name string) error { return s.rename(at, draft, name) })
}

// Create is Replace for a name that nobody has. Returns fs.ErrExist.
func Create(path string, data []byte) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return write(system(), path, data, linkNew)
}

// SyncFolder makes what was named, renamed or removed in a folder last.
func SyncFolder(path string) error {
	root, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(syncFolder(root), root.Close())
}

// steps are what is asked of the system, so that tests let each one fail.
type steps struct {
	sync       func(f *os.File) error
	rename     func(at *os.Root, from, to string) error
	link       func(at *os.Root, from, to string) error
	syncFolder func(at *os.Root) error
}

func system() steps {
	return steps{sync: (*os.File).Sync, rename: (*os.Root).Rename, link: (*os.Root).Link, syncFolder: syncFolder}
}

func syncFolder(at *os.Root) error {
	f, err := at.Open(".")
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// write makes a whole draft beside path and gives it its name by place.
func write(s steps, path string, data []byte, place func(s steps, at *os.Root, draft, name string) error) error {
	at, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer at.Close() //nolint:errcheck // what was done in it was synced
	sweep(at)
	draft := DraftPrefix + rand.Text()
	err = writeDraft(s, at, draft, data, func() error { return place(s, at, draft, filepath.Base(path)) })
	if rerr := at.Remove(draft); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) { // it has its name, or never gets it
		err = errors.Join(err, rerr)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return s.syncFolder(at)
}

// writeDraft writes and syncs a draft, mode 0600 from its first byte, and then does what
// is next with it. It is locked until then, which says that its writer lives.
func writeDraft(s steps, at *os.Root, draft string, data []byte, next func() error) error {
	f, err := at.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_ = TryLock(f) // where there are no locks, age says it
	if _, err = f.Write(data); err == nil {
		err = s.sync(f)
	}
	if err == nil {
		err = next()
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	_ = f.Close() // the file is synced and has its name: nothing is undone any more
	return nil
}

// linkNew names a draft unless the name is taken. Where a disk knows no hard links a
// rename must do: two processes that make one name may then both succeed.
func linkNew(s steps, at *os.Root, draft, name string) error {
	err := s.link(at, draft, name)
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if _, err := at.Lstat(name); err == nil {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	return s.rename(at, draft, name)
}

// sweep removes the drafts of writers that are gone. One that cannot be removed harms
// nobody but the disk's room.
func sweep(at *os.Root) {
	folder, err := at.Open(".")
	if err != nil {
		return
	}
	defer folder.Close() //nolint:errcheck // only read
	names, _ := folder.Readdirnames(-1)
	for _, name := range names {
		if len(name) == len(DraftPrefix)+len(rand.Text()) && strings.HasPrefix(name, DraftPrefix) && orphan(at, name) {
			_ = at.Remove(name)
		}
	}
}

// orphan says that a draft's writer is gone.
func orphan(at *os.Root, name string) bool {
	f, err := at.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false // it went just now, or is not ours
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	age := time.Since(info.ModTime())
	if age <= fresh {
		return false // a lock taken here for a moment would take it from its writer
	}
	switch err := TryLock(f); {
	case err == nil:
		return true
	case errors.Is(err, ErrLocked):
		return false
	}
	return age > abandoned
}
