package datadir

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// RecoveryText is the file that says what backups are also encrypted to.
func RecoveryText(seed seal.Seed) ([]byte, error) {
	recovery, err := seed.RecoveryIdentity()
	if err != nil {
		return nil, err
	}
	return []byte("# What backups are also encrypted to; its secret half is derived from the seed words.\n" + recovery.Recipient().String() + "\n"), nil
}

// RecoveryRecipient reads what backups are also encrypted to. Returns CodeInvalid for a file
// that is gone or says nothing of the kind, CodeDenied.
func RecoveryRecipient(data string) (*age.X25519Recipient, error) {
	path := filepath.Join(data, SecretsDir, RecoveryName)
	text, err := seal.ReadSecret(path)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); err != nil || line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		to, bad := age.ParseX25519Recipient(line)
		if bad == nil {
			return to, nil
		}
		err = bad
	}
	return nil, core.Invalid("app.recovery_broken", cmp.Or(err, errors.New("no recipient"))).With("Path", path)
}

// SharedIdentity reads the key that opens what was saved before each backup had a key
// of its own; nil on a node that began later.
func SharedIdentity(data string) (*age.X25519Identity, error) {
	path := filepath.Join(data, SecretsDir, SharedKeyName)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // most nodes have none
	}
	text, err := seal.ReadSecret(path)
	if err != nil {
		return nil, err
	}
	return age.ParseX25519Identity(strings.TrimSpace(string(text)))
}

// IsRehearsal says whether a data directory only reads.
func IsRehearsal(data string) bool {
	_, err := os.Lstat(filepath.Join(data, SecretsDir, RehearsalName))
	return err == nil
}

// RefuseRehearsal keeps what tells others anything out of a rehearsal.
func RefuseRehearsal(data string) error {
	if !IsRehearsal(data) {
		return nil
	}
	return core.Conflict("app.rehearsal", errors.New("a rehearsal only reads")).With("Data", data)
}

// ReadingKey is the document of a rehearsal; nil for a node.
func ReadingKey(data string) ([]byte, error) {
	text, err := seal.ReadSecret(filepath.Join(data, SecretsDir, RehearsalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
