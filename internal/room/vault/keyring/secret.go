package keyring

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
