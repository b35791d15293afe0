package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/room/vault/rest"
)

// locks are restic's locks. They stay on this disk, as restic wrote them: a
// restore begins with one, and must work with every member away.
type locks struct{ disk *blob.Dir }

func lockName(repo, name string) string { return repo + "/" + name }

// isMissing says whether there is surely no such file, as opposed to a disk that
// does not answer.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || core.CodeOf(err) == core.CodeNotFound
}

func lockError(repo, name string, err error) error {
	if isMissing(err) {
		return core.NotFound("vault.no_file", fmt.Errorf("%s has no lock %s: %w", repo, name, err))
	}
	return fmt.Errorf("lock %s of %s: %w", name, repo, err)
}

func (l locks) stat(repo, name string) (int64, error) {
	info, err := l.disk.Stat(lockName(repo, name))
	if err != nil {
		return 0, lockError(repo, name, err)
	}
	return info.Size(), nil
}

func (l locks) open(repo, name string) (io.ReadSeekCloser, error) {
	f, err := l.disk.Open(lockName(repo, name))
	if err != nil {
		return nil, lockError(repo, name, err)
	}
	return f, nil
}

// save writes a lock; the same lock again is no error.
func (l locks) save(ctx context.Context, repo, name string, body io.Reader) error {
	_, err := l.disk.Put(ctx, lockName(repo, name), body)
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}

func (l locks) list(repo string) ([]rest.Item, error) {
	var out []rest.Item
	err := l.disk.Walk(repo, func(name string) error {
		h := rest.Handle{Type: rest.Locks, Name: path.Base(name)}
		if !h.Valid() {
			return nil
		}
		size, err := l.stat(repo, h.Name)
		if core.CodeOf(err) == core.CodeNotFound {
			return nil // removed meanwhile
		}
		out = append(out, rest.Item{Name: h.Name, Size: size})
		return err
	})
	return out, err
}

func (l locks) remove(repo, name string) error { return removed(l.disk.Remove(lockName(repo, name))) }

// removed takes a file that was gone already for removed.
func removed(err error) error {
	if isMissing(err) {
		return nil
	}
	return err
}
