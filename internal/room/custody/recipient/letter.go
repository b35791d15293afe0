package recipient

import (
	"bytes"
	"context"
	"errors"
	"io"

	"filippo.io/age"

	"entrechat/internal/core"
)

// maxLetter bounds what was sealed to us, opened, in bytes.
const maxLetter = 64 << 10

// SealTo seals a text to a member's node. Returns what Of does.
func (r *Recipients) SealTo(ctx context.Context, to core.MemberID, text []byte) ([]byte, error) {
	recipient, err := r.Of(ctx, to)
	if err != nil {
		return nil, err
	}
	sealed, err := age.EncryptReader(bytes.NewReader(text), recipient)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(sealed)
}

// OpenSealed opens what was sealed to our node. Returns CodeDenied "custody.recipient.not_ours".
func (r *Recipients) OpenSealed(sealed []byte) ([]byte, error) {
	denied := core.Denied("custody.recipient.not_ours", errors.New("sealed to another, or changed"))
	text, err := age.Decrypt(bytes.NewReader(sealed), r.Key.Identity())
	if err != nil {
		return nil, denied
	}
	opened, err := io.ReadAll(io.LimitReader(text, maxLetter+1))
	if err != nil || len(opened) > maxLetter {
		return nil, denied
	}
	return opened, nil
}
