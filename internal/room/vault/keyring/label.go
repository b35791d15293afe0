package keyring

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
)

// MaxSmall bounds what is opened in memory, in bytes: labels and meta files.
const MaxSmall = 1 << 20

// SealBytes seals a small text.
func SealBytes(text []byte, to ...age.Recipient) ([]byte, error) {
	r, err := age.EncryptReader(bytes.NewReader(text), to...)
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
	text, err := io.ReadAll(io.LimitReader(r, MaxSmall))
	if err != nil {
		return nil, core.Denied("vault.not_ours", fmt.Errorf("open: %w", err))
	}
	return text, nil
}

// Label is what a shard's header says, sealed, of the object it belongs to.
//
// spec: docs/spec/shard.md#label
type Label struct {
	Repo string    `json:"repo"`
	Type rest.Type `json:"type"`
	Name string    `json:"name"`
	Size int64     `json:"size"`
	To   string    `json:"to,omitempty"` // the recipient the object is sealed to; empty = the shared one
}

// SealLabel writes the label of an object for the shards that are sent now.
func (r *Keyring) SealLabel(ctx context.Context, o catalogue.Object) ([]byte, error) {
	text, err := wire.Encode(Label{o.Repo, o.File.Type, o.File.Name, o.Size, o.SealedTo})
	if err != nil {
		return nil, err
	}
	to, _, err := r.Recipients(ctx, o.Repo)
	if err != nil {
		return nil, err
	}
	return SealBytes(text, to...)
}

// OpenLabel reads a label. Returns CodeDenied when no identity opens it,
// CodeInvalid when it does not name a file.
func OpenLabel(data []byte, identities ...age.Identity) (Label, error) {
	var l Label
	text, err := openBytes(data, identities...)
	if err != nil {
		return l, err
	}
	if err := wire.Peek(text, &l); err != nil {
		return l, err
	}
	file := rest.Handle{Type: l.Type, Name: l.Name}
	if !rest.ValidRepo(l.Repo) || l.Size < 0 || !file.Valid() && l.Type != catalogue.Meta {
		return l, core.Invalid("vault.bad_label", fmt.Errorf("label names %.80q %.20q", l.Name, l.Type))
	}
	return l, nil
}
