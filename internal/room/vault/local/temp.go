package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Temp is a file that is gone when it is closed, unless it was given a name.
type Temp struct {
	*os.File
	named bool
}

// NewTemp makes one in a folder.
func NewTemp(dir string) (*Temp, error) {
	f, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return nil, fmt.Errorf("make a scratch file: %w", err)
	}
	return &Temp{File: f}, nil
}

// Rename gives the file a name, without fsync: after a crash it may be anything.
func (t *Temp) Rename(path string) error {
	if err := os.Rename(t.Name(), path); err != nil { //nolint:forbidigo // the cache is emptied after a crash
		return err
	}
	t.named = true
	return nil
}

// Close removes the file too, when it has no name.
func (t *Temp) Close() error {
	err := t.File.Close()
	if t.named {
		return err
	}
	if rerr := os.Remove(t.Name()); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return errors.Join(err, rerr)
	}
	return err
}
