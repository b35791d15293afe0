package blob

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
)

const (
	// drafts is the folder of what is being written.
	drafts = ".tmp"
	// maxName bounds a name in bytes.
	maxName = 1024
)

// Dir is a directory of objects. Safe for concurrent use, by several processes too.
type Dir struct {
	*place
	floor core.Size
}

// Open opens a directory, making it (mode 0700) when it is not there, and removes
// the drafts of processes that died. For one that may be a mount see OpenMarked.
func Open(dir string) (*Dir, error) {
	d := OpenMarked(dir, Mark{})
	return d, d.Check()
}

// Close gives the directory's handle back.
func (d *Dir) Close() error { return d.close() }

// WithFloor is the same directory for a caller that leaves at least floor bytes
// of the disk free: its writes fail with CodeFull before the disk is full, so
// that the database beside it goes on working. Zero, the default, is no floor.
func (d *Dir) WithFloor(floor core.Size) *Dir {
	other := *d
	other.floor = floor
	return &other
}

// Room says whether n more bytes may be written now. Returns CodeFull.
func (d *Dir) Room(n core.Size) error {
	free, err := d.Free()
	if err != nil {
		return err
	}
	if free-n < d.floor {
		return core.Full("blob.full", fmt.Errorf("%d bytes free, %d to come, %d to leave", free, n, d.floor))
	}
	return nil
}

// Open opens an object for reading; the caller closes. Returns CodeNotFound,
// CodeInvalid.
func (d *Dir) Open(name string) (*os.File, error) {
	if err := valid(name); err != nil {
		return nil, err
	}
	t, err := d.at()
	if err != nil {
		return nil, err
	}
	f, err := t.root.Open(name)
	return f, d.missing(name, err)
}

// Stat says how large an object is and when it came. Returns CodeNotFound,
// CodeInvalid.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	if err := valid(name); err != nil {
		return nil, err
	}
	t, err := d.at()
	if err != nil {
		return nil, err
	}
	info, err := t.root.Stat(name)
	return info, d.missing(name, err)
}

// Remove ends an object. Returns CodeNotFound, CodeInvalid.
func (d *Dir) Remove(name string) error {
	if err := valid(name); err != nil {
		return err
	}
	t, err := d.at()
	if err != nil {
		return err
	}
	if err := t.root.Remove(name); err != nil {
		return d.missing(name, err)
	}
	return t.sync(path.Dir(name))
}

// Move gives an object another name, replacing what had it: for a trash. Returns
// CodeNotFound, CodeInvalid.
func (d *Dir) Move(from, to string) error {
	if err := errors.Join(valid(from), valid(to)); err != nil {
		return err
	}
	t, err := d.at()
	if err != nil {
		return err
	}
	if err := t.mkdir(path.Dir(to)); err != nil {
		return fmt.Errorf("make folder of %s: %w", to, err)
	}
	if err := t.root.Rename(from, to); err != nil {
		return d.missing(from, err)
	}
	return errors.Join(t.sync(path.Dir(to)), t.sync(path.Dir(from)))
}

// Walk names every object below the folder prefix ("" = all), in order within
// each folder. A folder that is not there is empty; fs.SkipAll from fn ends the
// walk without an error. What this user may not read is passed over, and is the error
// at the end.
func (d *Dir) Walk(prefix string, fn func(name string) error) error {
	if prefix == "" {
		prefix = "."
	} else if err := valid(prefix); err != nil {
		return err
	}
	t, err := d.at()
	if err != nil {
		return err
	}
	var barred error
	err = fs.WalkDir(t.root.FS(), prefix, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // never was, or went while we walked
		case access.Denied(err):
			barred = d.trouble(fmt.Errorf("walk %s: %w", name, err))
			return nil
		case err != nil:
			return d.trouble(fmt.Errorf("walk %s: %w", name, err))
		case name == drafts, name == access.Foreign:
			return fs.SkipDir
		case name == markName, name == tagName:
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		return fn(name)
	})
	return cmp.Or(err, barred)
}

// valid says whether a name stays inside and is not one of ours.
func valid(name string) error {
	bad := name == "." || name == markName || name == tagName || len(name) > maxName || !fs.ValidPath(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' })
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || strings.HasPrefix(part, drafts)
	}
	if bad {
		return core.Invalid("blob.bad_name", fmt.Errorf("%.120q is no name for an object", name))
	}
	return nil
}

func nameExists(name string) error {
	return core.Conflict("blob.taken", fmt.Errorf("%s: %w", name, fs.ErrExist)).With("Name", name)
}

func (d *Dir) missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return core.NotFound("blob.missing", err).With("Name", name)
	}
	return d.trouble(err)
}

// trouble gives what a disk can do to us its code: full (or a used-up quota), gone
// read-only, broken, or somebody else's. base is what the path in err is relative to.
func trouble(base string, err error) error {
	switch {
	case access.Denied(err):
		return access.Explain(base, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return core.Full("blob.full", err)
	case errors.Is(err, syscall.EROFS):
		return core.Unsure("blob.read_only", err)
	case errors.Is(err, syscall.EIO):
		return core.Internal("blob.broken_disk", err)
	}
	return err
}

func (p *place) trouble(err error) error { return trouble(p.path, err) }
