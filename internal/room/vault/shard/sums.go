package shard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/zeebo/blake3"

	"entrechat/internal/core"
)

// Hash is 32 bytes of BLAKE3 or SHA-256, written as 64 lower-case hex digits in
// JSON, SQL and file names. The zero value is no hash.
type Hash [32]byte

// ParseHash reads the form String writes, and no other. Returns CodeInvalid.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(len(h)) {
		return Hash{}, core.Invalid("vault.bad_shard", fmt.Errorf("%.80q is not a hash", s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil || h.String() != s {
		return Hash{}, core.Invalid("vault.bad_shard", fmt.Errorf("%.80q is not a hash", s))
	}
	return h, nil
}

// String is the lower-case hex form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero says that no hash is set.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes the String form.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what ParseHash reads. Returns CodeInvalid.
func (h *Hash) UnmarshalText(b []byte) error {
	parsed, err := ParseHash(string(b))
	*h = parsed
	return err
}

// ObjectID names a sealed object: the BLAKE3 hash of its age file.
func ObjectID(sealed []byte) Hash { return blake3.Sum256(sealed) }

// Sums are the two hashes of a shard's data: the BLAKE3 root, of which slices
// can be proved, and the SHA-256 that stock tools can compute.
type Sums struct {
	Root   Hash
	SHA256 Hash
}

// SumsOf hashes a shard's data.
func SumsOf(data []byte) Sums {
	return Sums{Root: blake3.Sum256(data), SHA256: sha256.Sum256(data)}
}

// Hasher computes Sums of what is written to it. Not safe for concurrent use.
type Hasher struct {
	root   *blake3.Hasher
	sha256 hash.Hash // nil = not wanted
}

// NewHasher begins with nothing written.
func NewHasher() *Hasher { return &Hasher{root: blake3.New(), sha256: sha256.New()} }

// NewRootHasher is a Hasher that leaves Sums.SHA256 zero.
func NewRootHasher() *Hasher { return &Hasher{root: blake3.New()} }

// Write never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	if h.sha256 != nil {
		_, _ = h.sha256.Write(p)
	}
	return h.root.Write(p)
}

// Sums are the hashes of everything written so far.
func (h *Hasher) Sums() Sums {
	var s Sums
	h.root.Sum(s.Root[:0])
	if h.sha256 != nil {
		h.sha256.Sum(s.SHA256[:0])
	}
	return s
}
