package deadman

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"entrechat/internal/room/watch/target"
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

// Issue gives a ping target its token: Address becomes the hash. The token is to be shown
// now, with URL, for every node of the circle that the work may call. Returns CodeInvalid
// for a cron expression that is none, or that never comes.
func Issue(t target.Target) (issued target.Target, token string, err error) {
	if s := t.Expect.Signal; s != nil && s.Cron != "" {
		if _, err := NextTick(s.Cron, time.Unix(0, 0).UTC()); err != nil {
			return t, "", err
		}
	}
	token, t.Address = NewToken()
	return t, token, nil
}

// URL is the address that the work calls at a node whose own address is base.
func URL(base, token string) string { return strings.TrimSuffix(base, "/") + "/ping/" + token }
