package vault

import (
	"bytes"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/core"
)

// maxSmall bounds what is opened in memory, in bytes: labels and meta files.
const maxSmall = 1 << 20

// sealBytes seals a small text.
func (k keys) sealBytes(text []byte) ([]byte, error) {
	r, err := age.EncryptReader(bytes.NewReader(text), k.recipients...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return io.ReadAll(r)
}

// openBytes opens a small sealed text. Returns CodeDenied.
func openBytes(data []byte, identities ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(data), identities...)
	if err != nil {
		return nil, core.Denied("vault.not_ours", fmt.Errorf("open: %w", err))
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSmall))
	if err != nil {
		return nil, core.Denied("vault.not_ours", fmt.Errorf("open: %w", err))
	}
	return text, nil
}
