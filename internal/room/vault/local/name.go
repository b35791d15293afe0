package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"

	"entrechat/internal/core"
)

// NewName draws a name for a file in the local store; the catalogue says what lies under it.
func NewName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	name := hex.EncodeToString(b[:])
	return name[:2] + "/" + name
}

// IsMissing says whether there is surely no such file, as opposed to a disk that
// does not answer.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || core.CodeOf(err) == core.CodeNotFound
}

// Removed takes a file that was gone already for removed.
func Removed(err error) error {
	if IsMissing(err) {
		return nil
	}
	return err
}
