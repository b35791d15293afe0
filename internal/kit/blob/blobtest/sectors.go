// Package blobtest gives tests a disk that does not read everything it has.
package blobtest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"entrechat/internal/kit/blob"
)

// Disk opens the objects of a directory as a disk with bad sectors does: what lies on one
// is there, may be moved and removed, and cannot be read. Safe for concurrent use.
type Disk struct {
	Dir *blob.Dir

	mu  sync.Mutex
	bad []sector
}

type sector struct {
	file fs.FileInfo
	from int64
}

// Spoil makes the file that is at a path now unreadable from a byte on. Another file of
// that name lies elsewhere on the disk.
func (d *Disk) Spoil(path string, from int64) error {
	info, err := os.Stat(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bad = append(d.bad, sector{info, from})
	return err
}

// Repair makes everything readable again.
func (d *Disk) Repair() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bad = nil
}

// Open is blob.Dir's.
func (d *Disk) Open(name string) (blob.File, error) {
	f, err := d.Dir.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.bad {
		if os.SameFile(s.file, info) {
			return &file{open: f, name: name, from: s.from}, nil
		}
	}
	return f, nil
}

// file cannot be read from a byte on. The open file is no embedded one: that would lend
// it ways around Read.
type file struct {
	open *os.File
	name string
	from int64
}

// Seek implements io.Seeker.
func (f *file) Seek(off int64, whence int) (int64, error) { return f.open.Seek(off, whence) }

// Stat is os.File's.
func (f *file) Stat() (fs.FileInfo, error) { return f.open.Stat() }

// Close implements io.Closer.
func (f *file) Close() error { return f.open.Close() }

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if at >= f.from {
		return 0, f.fails()
	}
	return f.open.Read(p[:min(int64(len(p)), f.from-at)])
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if info, err := f.Stat(); err == nil && min(off+int64(len(p)), info.Size()) > f.from {
		return 0, f.fails()
	}
	return f.open.ReadAt(p, off)
}

func (f *file) fails() error {
	return &fs.PathError{Op: "read", Path: f.name, Err: fmt.Errorf("test: %w", syscall.EIO)}
}
