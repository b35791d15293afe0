package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
	"entrechat/internal/kit/disk"
)

// maxSecret bounds a secret file, in bytes: what is larger is some other file.
const maxSecret = 64 << 10

// WriteSecret writes a new file of mode 0600. It has its name only when all of it
// is on disk, so a crash or a full disk leaves no half of a key behind. Returns
// CodeConflict when the file exists (a secret is never overwritten) and CodeFull.
func WriteSecret(path string, data []byte) error {
	err := disk.Create(path, data)
	if errors.Is(err, fs.ErrExist) {
		return secretExists(path, err)
	}
	return unwritten("write", err)
}

// ReplaceSecret is WriteSecret in the place of what is there, if anything: a crash leaves
// the one or the other. Returns CodeFull.
func ReplaceSecret(path string, data []byte) error {
	return unwritten("replace", disk.Replace(path, data))
}

func unwritten(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return core.Full("blob.full", err)
	}
	return fmt.Errorf("%s secret: %w", what, err)
}

func secretExists(path string, err error) error {
	return core.Conflict("seal.secret_exists", fmt.Errorf("%s: %w", path, err)).With("Path", path)
}

func unreadable(path string, err error) error {
	at, line := access.Cure(filepath.Dir(path), filepath.Base(path))
	return core.Denied("seal.unreadable", fmt.Errorf("%w; as root: %s", err, line)).With("Path", at).With("Line", line)
}

// ReadSecret reads a secret file and refuses one that group or others may read.
// Returns CodeNotFound, or CodeDenied when it cannot or must not be read.
func ReadSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("seal.no_secret", err).With("Path", path)
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	// The open file is asked, so that what was checked is what is read.
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, core.Denied("seal.secret_open", fmt.Errorf("%s has mode %v", path, info.Mode().Perm())).With("Path", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = fmt.Errorf("more than %d bytes", maxSecret)
	}
	if err != nil {
		return nil, unreadable(path, fmt.Errorf("read %s: %w", path, err))
	}
	return data, nil
}
