package whose

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"entrechat/internal/core"
)

// View is an item, open for reading. Close it.
type View struct{ root *os.Root }

// Open opens what lies at a path of a folder; no link is followed on the way. Returns CodeNotFound
// "succession.rescue.no_file".
func Open(dir, at string) (View, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return View{}, missing(err)
	}
	for part := range strings.SplitSeq(at, "/") {
		info, err := root.Lstat(part)
		if err == nil && !info.IsDir() {
			err = errors.New("no folder")
		}
		var next *os.Root
		if err == nil {
			next, err = root.OpenRoot(part)
		}
		_ = root.Close() // nothing is written
		if err != nil {
			return View{}, missing(err)
		}
		root = next
	}
	return View{root}, nil
}

// Close gives the folder back.
func (v View) Close() { _ = v.root.Close() } // nothing was written

func missing(err error) error { return core.NotFound("succession.rescue.no_file", err) }

// inside is a name below the view as the system takes it; "" is the view itself.
func inside(name string) (string, error) {
	name = strings.Trim(name, "/")
	if name == "" {
		return ".", nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return "", missing(errors.New("no path"))
		}
	}
	return name, nil
}

// Stat says what lies at a path: a file, a folder, or else (a link, a device) CodeNotFound.
func (v View) Stat(at string) (fs.FileInfo, error) {
	name, err := inside(at)
	if err != nil {
		return nil, err
	}
	info, err := v.root.Lstat(name)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = errors.New("neither file nor folder")
	}
	if err != nil {
		return nil, missing(err)
	}
	return info, nil
}

// File opens a regular file. Returns CodeNotFound for everything else.
func (v View) File(at string) (*os.File, fs.FileInfo, error) {
	info, err := v.Stat(at)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, missing(errors.New("a folder"))
	}
	f, err := v.root.OpenFile(strings.Trim(at, "/"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, missing(err)
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil, missing(errors.Join(err, f.Close(), errors.New("no file")))
	}
	return f, info, nil
}

// MaxNames is how many names of one folder are listed; what is beyond comes with the whole as .zip.
const MaxNames = 100_000

// Entry is a file or a folder in a folder.
type Entry struct {
	Name string
	Dir  bool
	Size int64
	At   core.Moment
}

// List lists a folder, folders first, then by name: most entries from one on, and how many there
// are. Links and devices are left out. more: there are over MaxNames.
func (v View) List(at string, from, most int) (list []Entry, all int, more bool, err error) {
	names, more, err := v.names(at, MaxNames)
	if err != nil {
		return nil, 0, false, err
	}
	all = len(names)
	for _, e := range names[min(from, all):min(from+most, all)] {
		info, err := v.Stat(path.Join(at, e.Name))
		if err != nil {
			continue
		}
		list = append(list, Entry{e.Name, info.IsDir(), info.Size(), core.At(info.ModTime())})
	}
	return list, all, more, nil
}

// Names are the names of all files in a folder.
func (v View) Names(at string) (out []string, err error) {
	all, err := v.whole(at)
	for _, e := range all {
		if !e.Dir {
			out = append(out, e.Name)
		}
	}
	return out, err
}

// listed reads a folder, up to so many names or a little more.
func listed(dir *os.File, most int) (out []Entry, err error) {
	for len(out) < most {
		some, err := dir.ReadDir(1000)
		for _, e := range some {
			if e.IsDir() || e.Type().IsRegular() {
				out = append(out, Entry{Name: e.Name(), Dir: e.IsDir()})
			}
		}
		if errors.Is(err, io.EOF) || err == nil && len(some) == 0 {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list a folder: %w", err)
		}
	}
	return out, nil
}

// maxWhole is how many names of a folder are read where all of them are wanted.
const maxWhole = 2_000_000

// whole reads all names of a folder, or none: nobody takes a part for the whole.
func (v View) whole(at string) ([]Entry, error) {
	all, more, err := v.names(at, maxWhole)
	if err == nil && more {
		err = errors.New("a folder with too many names")
	}
	return all, err
}

// names are what is in a folder, in order: files and folders, no links.
func (v View) names(at string, most int) (out []Entry, more bool, err error) {
	info, err := v.Stat(at)
	if err != nil {
		return nil, false, err
	}
	if !info.IsDir() {
		return nil, false, missing(errors.New("no folder"))
	}
	name, err := inside(at)
	if err != nil {
		return nil, false, err
	}
	dir, err := v.root.Open(name)
	if err != nil {
		return nil, false, missing(err)
	}
	defer dir.Close() //nolint:errcheck // nothing is written
	if out, err = listed(dir, most); err != nil {
		return nil, false, err
	}
	more = len(out) >= most
	slices.SortFunc(out, func(a, b Entry) int {
		if a.Dir != b.Dir {
			if a.Dir {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, more, nil
}

// Walk tells every file below a folder, in order. Links are not followed, folders that cannot be
// read are passed over. An error of do ends it.
func (v View) Walk(at string, do func(name string, info fs.FileInfo) error) error {
	entries, err := v.whole(at)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(at, e.Name)
		if e.Dir {
			if err := v.Walk(name, do); err != nil && core.CodeOf(err) != core.CodeNotFound {
				return err
			}
			continue
		}
		info, err := v.Stat(name)
		if err != nil {
			continue
		}
		if err := do(name, info); err != nil {
			return err
		}
	}
	return nil
}
