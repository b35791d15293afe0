package deadman

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// tokenLength is that of a token: 128 random bits as unpadded base64url.
const tokenLength = 22

// NewToken draws the token of a target. hash is what its Address says; the token itself is
// shown once and stored nowhere.
// spec: docs/spec/watch.md#pings
func NewToken() (token, hash string) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, Hash(token)
}

// Hash is what members know of a token: the SHA-256, in lower-case hex, of the words
// "entrechat/ping/1 " and the token.
func Hash(token string) string {
	sum := sha256.Sum256([]byte("entrechat/ping/1 " + token))
	return hex.EncodeToString(sum[:])
}

// URL is the address that the work calls at a node whose own address is base.
func URL(base, token string) string { return strings.TrimSuffix(base, "/") + "/ping/" + token }
