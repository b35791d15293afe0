package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"entrechat/internal/core"
)

// each tells every name below a folder, the folder itself first, without following links.
func each(root *os.Root, at string, do func(name string, info fs.FileInfo) error) error {
	info, err := root.Lstat(at)
	if err == nil {
		err = do(at, info)
	}
	if err != nil || !info.IsDir() {
		return err
	}
	dir, err := root.Open(at)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // nothing is written
	names, err := dir.ReadDir(-1)
	for _, e := range names {
		if err == nil {
			err = each(root, filepath.Join(at, e.Name()), do)
		}
	}
	return err
}

// Seal takes every right to write from a tree, and out of it what leads elsewhere or is no file:
// links, devices, pipes. It says how many of these there were.
func Seal(dir string) (removed int, err error) { return settle(dir, 0o400, 0o500) }

// settle removes all but folders and files, and sets the modes of these.
func settle(dir string, file, folder fs.FileMode) (removed int, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open a tree: %w", err)
	}
	defer root.Close() //nolint:errcheck // all that matters returned an error
	var odd, dirs []string
	err = each(root, ".", func(name string, info fs.FileInfo) error {
		switch {
		case info.IsDir():
			dirs = append(dirs, name)
			return root.Chmod(name, 0o700)
		case info.Mode().IsRegular():
			return root.Chmod(name, file)
		}
		odd = append(odd, name)
		return nil
	})
	for _, name := range odd {
		err = errors.Join(err, root.Remove(name))
	}
	for _, name := range dirs {
		err = errors.Join(err, root.Chmod(name, folder))
	}
	return len(odd), err
}

// Remove removes a tree, sealed or not; nothing there is no error.
func Remove(dir string) error {
	if _, err := settle(dir, 0o600, 0o700); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// Hash is one hash of a tree: of every name, mode, time of change and content. Where nothing was
// written it stays.
func Hash(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("hash a tree: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written
	sum := sha256.New()
	err = each(root, ".", func(name string, info fs.FileInfo) error {
		fmt.Fprintf(sum, "%q %s %d ", name, info.Mode(), info.ModTime().UnixNano())
		if !info.Mode().IsRegular() {
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(sum, f)
		return errors.Join(err, f.Close())
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// Room is how many bytes may still be written where a path lies.
func Room(path string) (core.Size, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(path, &disk); err != nil {
		return 0, fmt.Errorf("measure disk: %w", err)
	}
	return core.Size(disk.Bavail) * core.Size(disk.Bsize), nil //nolint:gosec // a disk's size fits
}

// Count is how many regular files are in a tree and how long they are.
func Count(dir string) (files, bytes int64, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count a tree: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written
	err = each(root, ".", func(_ string, info fs.FileInfo) error {
		if info.Mode().IsRegular() {
			files, bytes = files+1, bytes+info.Size()
		}
		return nil
	})
	return files, bytes, err
}

// Empty removes a folder of a sealed tree with all that is in it, and says how much that was. What
// is around it stays sealed.
func Empty(root *os.Root, at string) (files, bytes int64, err error) {
	err = each(root, at, func(name string, info fs.FileInfo) error {
		if info.IsDir() {
			return root.Chmod(name, 0o700)
		}
		if info.Mode().IsRegular() {
			files, bytes = files+1, bytes+info.Size()
		}
		return nil
	})
	above := filepath.Dir(at)
	if err = errors.Join(err, root.Chmod(above, 0o700)); err != nil {
		return files, bytes, err
	}
	return files, bytes, errors.Join(root.RemoveAll(at), root.Chmod(above, 0o500))
}
