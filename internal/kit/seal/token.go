package seal

import (
	"crypto/sha256"
	"encoding/hex"
)

// TokenHash is the only form in which a token is stored: the lower-case hex of its SHA-256.
// It is for secrets of 128 random bits or more, which nobody guesses; never for passwords.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
