package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"entrechat/internal/core"
)

const (
	// temporary begins the name of a file that is being written.
	temporary = ".tmp-"
	// abandoned is the age at which one is nobody's any more.
	abandoned = 48 * time.Hour
)

// Dir is a directory of objects. Safe for concurrent use, by several processes too.
type Dir struct {
	root *os.Root
	path string
}

// Open opens a directory, making it (mode 0700) when it is not there.
func Open(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return &Dir{root: root, path: dir}, nil
}

// Close gives the directory's handle back.
func (d *Dir) Close() error { return d.root.Close() }

// Put stores what r gives under a new name and says how many bytes that was. It
// is on disk when Put returns; when r fails, or ctx ends, nothing is. Returns
// CodeConflict when the name is taken, CodeFull when the disk is full,
// CodeInvalid for a name that is none.
func (d *Dir) Put(ctx context.Context, name string, r io.Reader) (n int64, err error) {
	if err := valid(name); err != nil {
		return 0, err
	}
	dir := path.Dir(name)
	if _, err := d.root.Lstat(name); err == nil {
		return 0, taken(name)
	}
	if err := d.mkdir(dir); err != nil {
		return 0, full(fmt.Errorf("make folder of %s: %w", name, err))
	}
	draft := path.Join(dir, temporary+rand.Text())
	if n, err = d.write(ctx, draft, r); err != nil {
		return 0, errors.Join(full(err), d.forget(draft))
	}
	if err := d.publish(draft, name); err != nil {
		return 0, errors.Join(full(err), d.forget(draft))
	}
	return n, d.sync(dir)
}

// write makes a whole file of what r gives, on disk before it returns.
func (d *Dir) write(ctx context.Context, draft string, r io.Reader) (n int64, err error) {
	f, err := d.root.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("create %s: %w", draft, err)
	}
	n, err = io.Copy(f, stopped{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("write %s: %w", path.Base(draft), err)
	}
	return n, nil
}

// publish gives a written file its name unless the name is taken.
func (d *Dir) publish(draft, name string) error {
	err := d.root.Link(draft, name)
	switch {
	case err == nil:
		return d.forget(draft)
	case errors.Is(err, fs.ErrExist):
		return taken(name)
	case errors.Is(err, syscall.EPERM), errors.Is(err, errors.ErrUnsupported):
		// A disk without hard links (exFAT, some shares): two writers of one
		// name may then both win, with the same bytes where names are hashes.
		if _, err := d.root.Lstat(name); err == nil {
			return taken(name)
		}
		return d.root.Rename(draft, name)
	}
	return fmt.Errorf("name %s: %w", name, err)
}

func (d *Dir) forget(draft string) error {
	if err := d.root.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", path.Base(draft), err)
	}
	return nil
}

// mkdir makes a folder and those above it, each known to the disk.
func (d *Dir) mkdir(dir string) error {
	if dir == "." {
		return nil
	}
	if _, err := d.root.Stat(dir); err == nil {
		return nil
	}
	if err := d.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	if err := d.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.sync(path.Dir(dir))
}

// sync makes the names in a folder survive a power cut.
func (d *Dir) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return full(fmt.Errorf("sync folder: %w", err))
	}
	return nil
}

// stopped is a reader that ends with its context.
type stopped struct {
	ctx context.Context //nolint:containedctx // a reader has no other way to learn of it
	io.Reader
}

func (s stopped) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// Open opens an object for reading; the caller closes. Returns CodeNotFound,
// CodeInvalid.
func (d *Dir) Open(name string) (*os.File, error) {
	if err := valid(name); err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	return f, missing(name, err)
}

// Stat says how large an object is and when it came. Returns CodeNotFound,
// CodeInvalid.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	if err := valid(name); err != nil {
		return nil, err
	}
	info, err := d.root.Stat(name)
	return info, missing(name, err)
}

// Remove ends an object. Returns CodeNotFound, CodeInvalid.
func (d *Dir) Remove(name string) error {
	if err := valid(name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil {
		return missing(name, err)
	}
	return d.sync(path.Dir(name))
}

// Move gives an object another name, replacing what had it: for a trash. Returns
// CodeNotFound, CodeInvalid.
func (d *Dir) Move(from, to string) error {
	if err := errors.Join(valid(from), valid(to)); err != nil {
		return err
	}
	if err := d.mkdir(path.Dir(to)); err != nil {
		return full(fmt.Errorf("make folder of %s: %w", to, err))
	}
	if err := d.root.Rename(from, to); err != nil {
		return missing(from, err)
	}
	return errors.Join(d.sync(path.Dir(to)), d.sync(path.Dir(from)))
}

// Walk names every object below the folder prefix ("" = all), in order within
// each folder. A folder that is not there is empty; fs.SkipAll from fn ends the
// walk without an error. Leftovers of writers that died are removed on the way.
func (d *Dir) Walk(prefix string, fn func(name string) error) error {
	if prefix == "" {
		prefix = "."
	} else if err := valid(prefix); err != nil {
		return err
	}
	return fs.WalkDir(d.root.FS(), prefix, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // never was, or went while we walked
		case err != nil:
			return fmt.Errorf("walk %s: %w", name, err)
		case !entry.Type().IsRegular():
			return nil
		case strings.HasPrefix(entry.Name(), temporary):
			return d.sweep(name, entry)
		}
		return fn(name)
	})
}

// sweep removes a temporary file that nobody writes any more.
func (d *Dir) sweep(name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil || time.Since(info.ModTime()) < abandoned {
		return nil //nolint:nilerr // it went, or it is somebody's
	}
	return d.forget(name)
}

// valid says whether a name stays inside and is not one of ours.
func valid(name string) error {
	if name == "." || !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || strings.HasPrefix(path.Base(name), temporary) {
		return core.Invalid("blob.bad_name", fmt.Errorf("%.120q is no name for an object", name))
	}
	return nil
}

func taken(name string) error {
	return core.Conflict("blob.taken", fmt.Errorf("%s: %w", name, fs.ErrExist)).With("Name", name)
}

func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return core.NotFound("blob.missing", err).With("Name", name)
	}
	return full(err)
}

// full gives a full disk, or a used-up disk quota, its code.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return core.Full("blob.full", err)
	}
	return err
}
