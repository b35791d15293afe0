package vault

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
)

// Right is what a token allows.
type Right string

// The rights. Each can also read, and write and remove locks, which every restic
// command needs.
const (
	Read   Right = "read"
	Append Right = "append" // and add files
	Prune  Right = "prune"  // and remove them
)

// rank orders the rights: each holds those before it.
func (r Right) rank() int { return slices.Index([]Right{Read, Append, Prune}, r) }

// verb is what somebody wants to do with a file.
type verb string

const (
	verbRead   verb = "read"
	verbSave   verb = "save"
	verbRemove verb = "remove"
)

// allows is the whole of who may do what. A repository as of a date is only read.
func (r Right) allows(v verb, t rest.Type, past bool) bool {
	switch {
	case v == verbRead || t == rest.Locks:
		return true
	case past:
		return false
	case v == verbSave:
		return r == Append || r == Prune
	}
	// What a repository is opened with is never removed, by nobody.
	return r == Prune && t != rest.Config
}

// token is 32 random bytes in unpadded base64url. The prune token is the seed of
// an Ed25519 key, which signs what is removed.
type token [32]byte

func newToken() token {
	var t token
	_, _ = rand.Read(t[:]) // never fails, says crypto/rand
	return t
}

func (t token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// hash is what the catalogue keeps of a token.
func (t token) hash() string {
	sum := sha256.Sum256(t[:])
	return hex.EncodeToString(sum[:])
}

func parseToken(s string) (token, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(token{}) {
		return token{}, fmt.Errorf("a token has 43 characters, this %d", len(s))
	}
	return token(b), nil
}

// pruneKey is the key a prune token stands for.
func (t token) pruneKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(t[:]) }

// rightOf says what a token is good for in a repository; empty for nothing.
func rightOf(r catalogue.Repo, t token) Right {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	hash := t.hash()
	switch {
	case same(hash, r.AppendHash):
		return Append
	case same(hash, r.ReadHash):
		return Read
	case subtle.ConstantTimeCompare(t.pruneKey().Public().(ed25519.PublicKey), r.Prune[:]) == 1: //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
		return Prune
	}
	return ""
}
