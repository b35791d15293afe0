package peer

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"entrechat/internal/core"
)

// headerReading carries the document by which a member's root key lets another key
// read in its name: a rehearsal asks with it and leaves the key set alone. Only GET is
// answered to such a key, and no route answers GET by changing anything for its caller.
// spec: docs/spec/peer.md#reading-key
const headerReading = "Entrechat-Reading-Key"

// ReadingKeys is a Keyring that knows such documents. Returns CodeDenied for one that
// does not hold, or no longer.
type ReadingKeys interface {
	ReadingKey(ctx context.Context, id core.MemberID, doc []byte, now time.Time) (ed25519.PublicKey, error)
}

// keysOf are the keys that may have signed a request: those of the member's key set,
// and the one that its own document names.
func (h *Handler) keysOf(r *http.Request, from core.MemberID) ([]ed25519.PublicKey, error) {
	keys, err := h.n.Keyring.Keys(r.Context(), from)
	text := r.Header.Get(headerReading)
	if err != nil || text == "" {
		return keys, err
	}
	if r.Method != http.MethodGet {
		return nil, badSignature(fmt.Errorf("%s: a reading key only reads", from))
	}
	known, ok := h.n.Keyring.(ReadingKeys)
	if !ok {
		return nil, badSignature(errors.New("no reading keys here"))
	}
	doc, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, badSignature(fmt.Errorf("%s: %w", from, err))
	}
	key, err := known.ReadingKey(r.Context(), from, doc, h.n.Now())
	if err != nil {
		return nil, err
	}
	return []ed25519.PublicKey{key}, nil
}
