package share

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// ID names a deal: the lower-case hex of 16 random bytes. The zero value names
// none.
type ID string

// prefixBytes is how much of a deal's id a share carries: with 16 bytes its text
// would be longer than the 90 signs within which Bech32 finds any four mistakes.
const prefixBytes = 8

// NewID draws an id.
func NewID() (ID, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("draw a deal's id: %w", err)
	}
	return ID(hex.EncodeToString(b[:])), nil
}

// ParseID reads an id. Returns CodeInvalid.
func ParseID(text string) (ID, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 || hex.EncodeToString(b) != text {
		return "", core.Invalid("custody.share.bad_id", errors.New("not the id of a deal"))
	}
	return ID(text), nil
}

// Short is the first 16 of the 32 signs, as shares carry it; empty for what is no
// id.
func (id ID) Short() string {
	if _, err := ParseID(string(id)); err != nil {
		return ""
	}
	return string(id[:2*prefixBytes])
}

// SixWords are an id's six words for two people on the phone: the first 66 bits of
// the SHA-256 of its text, in the English list of the 24 words. There is no French
// list, so that two people of two languages read out the same words.
func SixWords(id string) [6]string { return seal.SixWords(sha256.Sum256([]byte(id))) }

// hidden stands for a secret in what is printed or logged by mistake.
const hidden = "(secret)"
