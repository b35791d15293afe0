package custody

import (
	"context"

	"entrechat/internal/core"
)

// SealTo seals a text to a member's node, as an age file. Returns CodeNotFound for a member that
// published no recipient.
func (r *Room) SealTo(ctx context.Context, to core.MemberID, text []byte) ([]byte, error) {
	return r.Recipients.SealTo(ctx, to, text)
}

// OpenSealed opens an age file that was sealed to our node. Returns CodeDenied.
func (r *Room) OpenSealed(sealed []byte) ([]byte, error) { return r.Recipients.OpenSealed(sealed) }
