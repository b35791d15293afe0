package keyring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/seal"
)

// Kind is one file of a repository in the secrets folder.
type Kind string

// The secrets of a repository.
const (
	Password    Kind = "password"
	AppendToken Kind = "append"
	ReadToken   Kind = "read"
	Identity    Kind = "identity" // age; what the repository's files are sealed to
)

// Path is where a secret of a repository lies.
func (r *Keyring) Path(name string, kind Kind) string {
	return filepath.Join(r.n.Dir, "secret", name+"."+string(kind))
}

// Secret reads a secret, without the white space around it.
func (r *Keyring) Secret(name string, kind Kind) (string, error) {
	text, err := seal.ReadSecret(r.Path(name, kind))
	return strings.TrimSpace(string(text)), err
}

// Write puts a secret in the place of the one before, on disk when it returns.
func (r *Keyring) Write(name string, kind Kind, text string) error {
	path := r.Path(name, kind)
	if kind == Password {
		defer r.n.PasswordChanged(name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the secrets folder: %w", err)
	}
	return seal.ReplaceSecret(path, []byte(text+"\n"))
}

const (
	lockName  = "creating.lock"       // no secret's name: none ends so
	lockPause = 10 * time.Millisecond // between two looks at a lock that another has
)

// Lock waits until nobody else, in this process or another, has the secrets folder, and
// keeps it until release. A disk without locks is taken for free.
func (r *Keyring) Lock(ctx context.Context) (release func(), err error) {
	dir := filepath.Join(r.n.Dir, "secret")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the secrets folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the secrets folder: %w", err)
	}
	for errors.Is(disk.TryLock(f), disk.ErrLocked) {
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(lockPause):
		}
	}
	return func() { _ = f.Close() }, nil // nothing was written
}
