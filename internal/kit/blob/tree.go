package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// tree is a directory that is open.
type tree struct {
	root *os.Root
	path string

	// Which folders are known to the disk. That a folder is there does not say so:
	// another writer may have made it and not synced it yet.
	mu      sync.Mutex
	durable map[string]bool
}

func newTree(root *os.Root, dir string) *tree {
	return &tree{root: root, path: dir, durable: map[string]bool{".": true}}
}

func (t *tree) trouble(err error) error { return trouble(t.path, err) }

// makeRoot is os.MkdirAll whose folders survive a power cut.
func makeRoot(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeRoot(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// link names a draft unless the name is taken.
func (t *tree) link(draft, name string) error {
	err := t.root.Link(draft, name)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return nameExists(name)
	case errors.Is(err, syscall.EPERM), errors.Is(err, errors.ErrUnsupported):
		return t.renameNew(draft, name)
	}
	return t.trouble(fmt.Errorf("name %s: %w", name, err))
}

// renameNew is link on a disk without hard links (exFAT, some shares). Two
// processes that write one name may then both win, with the same bytes where names
// are hashes.
func (t *tree) renameNew(draft, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.root.Lstat(name); err == nil {
		return nameExists(name)
	}
	return t.trouble(t.root.Rename(draft, name))
}

func (t *tree) forget(name string) error {
	if err := t.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return t.trouble(fmt.Errorf("remove %s: %w", name, err))
	}
	return nil
}

func (t *tree) forgetFolders() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.durable = map[string]bool{".": true}
}

// mkdir makes a folder and those above it, each known to the disk.
func (t *tree) mkdir(dir string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mkdirLocked(dir)
}

func (t *tree) mkdirLocked(dir string) error {
	if t.durable[dir] {
		return nil
	}
	if err := t.mkdirLocked(path.Dir(dir)); err != nil {
		return err
	}
	if err := t.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return t.trouble(err)
	}
	if err := t.sync(path.Dir(dir)); err != nil {
		return err
	}
	t.durable[dir] = true
	return nil
}

// sync makes the names in a folder survive a power cut.
func (t *tree) sync(dir string) error {
	f, err := t.root.Open(dir)
	if err != nil {
		return t.trouble(fmt.Errorf("sync folder: %w", err))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return t.trouble(fmt.Errorf("sync folder: %w", err))
	}
	return nil
}

// sweep removes the drafts that nobody writes any more.
func (t *tree) sweep() error {
	entries, err := fs.ReadDir(t.root.FS(), drafts)
	if err != nil {
		return t.trouble(fmt.Errorf("look for drafts: %w", err))
	}
	for _, entry := range entries {
		name := path.Join(drafts, entry.Name())
		if t.orphan(name) {
			if err := t.forget(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphan says that a draft's writer is gone.
func (t *tree) orphan(draft string) bool {
	f, err := t.root.OpenFile(draft, os.O_RDWR, 0)
	if err != nil {
		return false // it went just now
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil {
		return false
	}
	mine, known := claim(f)
	age := time.Since(info.ModTime())
	return mine && (known && age > fresh || age > abandoned)
}
