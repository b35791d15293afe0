package keyring

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

// Rank orders the rights: each holds those before it.
func (r Right) Rank() int { return slices.Index([]Right{Read, Append, Prune}, r) }

// Verb is what somebody wants to do with a file.
type Verb string

// The verbs.
const (
	VerbRead   Verb = "read"
	VerbSave   Verb = "save"
	VerbRemove Verb = "remove"
)

// Allows is the whole of who may do what. A repository as of a date is only read.
func (r Right) Allows(v Verb, t rest.Type, past bool) bool {
	switch {
	case v == VerbRead || t == rest.Locks:
		return true
	case past:
		return false
	case v == VerbSave:
		return r == Append || r == Prune
	}
	// What a repository is opened with is never removed, by nobody.
	return r == Prune && t != rest.Config
}

// Token is 32 random bytes in unpadded base64url. The prune token is the seed of
// an Ed25519 key, which signs what is removed.
type Token [32]byte

// NewToken draws a token.
func NewToken() Token {
	var t Token
	_, _ = rand.Read(t[:]) // never fails, says crypto/rand
	return t
}

func (t Token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// Hash is what the catalogue keeps of a token.
func (t Token) Hash() string {
	sum := sha256.Sum256(t[:])
	return hex.EncodeToString(sum[:])
}

// ParseToken reads a token as a person or restic gives it.
func ParseToken(s string) (Token, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(Token{}) {
		return Token{}, fmt.Errorf("a token has 43 characters, this %d", len(s))
	}
	return Token(b), nil
}

// PruneKey is the key a prune token stands for.
func (t Token) PruneKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(t[:]) }

// RightOf says what a token is good for in a repository; empty for nothing.
func RightOf(r catalogue.Repo, t Token) Right {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	hash := t.Hash()
	switch {
	case same(hash, r.AppendHash):
		return Append
	case same(hash, r.ReadHash):
		return Read
	case subtle.ConstantTimeCompare(t.PruneKey().Public().(ed25519.PublicKey), r.Prune[:]) == 1: //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
		return Prune
	}
	return ""
}
