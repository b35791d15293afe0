package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"entrechat/internal/kit/disk"
	"entrechat/internal/room/vault/catalogue"
)

// The mark is a number that grows with each acknowledged snapshot: first in the
// database, then in a file beside it. A database below the file's number has lost what
// came last (a damaged or deleted log); the members are asked before it is believed.

func (r *Mark) path() string { return filepath.Join(r.n.Dir, "mark") }

// Advance counts one more promise. A file that cannot be written leaves the mark
// behind the database: fewer losses are noticed by it, and none is invented.
func (r *Mark) Advance(ctx context.Context) error {
	n, err := r.store.Notes.CountMark(ctx)
	if err != nil {
		return err
	}
	if err := r.Write(n); err != nil {
		r.n.Log.Warn("writing the catalogue's mark failed", "error", err)
	}
	return nil
}

// Write puts the number into the file, whole or not at all.
func (r *Mark) Write(n int64) error {
	return disk.Replace(r.path(), fmt.Appendln(nil, n))
}

// read answers the file's number; zero when there is none, or none that can be read.
func (r *Mark) read() (int64, error) {
	text, err := os.ReadFile(r.path())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the catalogue's mark: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		r.n.Log.Warn("the catalogue's mark cannot be read", "error", err)
		return 0, nil
	}
	return n, nil
}

// below says whether the database is older than the file beside it.
func (r *Mark) below(ctx context.Context) (bool, error) {
	file, err := r.read()
	if err != nil {
		return false, err
	}
	here, err := r.store.Notes.Mark(ctx)
	return here < file, err
}

// settle brings database and file together, after the members were asked.
func (r *Mark) settle(ctx context.Context) error {
	file, err := r.read()
	if err != nil {
		return err
	}
	here, err := r.store.Notes.Mark(ctx)
	if err != nil || here >= file {
		return err
	}
	return r.store.Notes.Set(ctx, catalogue.NoteMark, strconv.FormatInt(file, 10))
}
