package core

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// MemberID is a member's origin: a lower-case host name, with a port only where
// a node is not on 443 ("chaton-a.test", "127.0.0.1:7101"). It names a member
// for people and logs; what proves a member is its RootKey. The zero value names
// nobody.
type MemberID string

var memberID = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?$`)

// ParseMemberID reads an origin as a person types it: case, a scheme and a
// trailing slash do not matter. Returns CodeInvalid for anything that is not a
// host name with an optional port.
func ParseMemberID(s string) (MemberID, error) {
	id := strings.ToLower(strings.TrimSpace(s))
	id = strings.TrimPrefix(strings.TrimPrefix(id, "https://"), "http://")
	id = strings.TrimSuffix(id, "/")
	if !memberID.MatchString(id) || strings.Contains(id, "..") {
		return "", Invalid("core.bad_member", fmt.Errorf("%.80q is not a domain", s))
	}
	return MemberID(id), nil
}

// Valid says whether the id is written in its one canonical form.
func (m MemberID) Valid() bool {
	return memberID.MatchString(string(m)) && !strings.Contains(string(m), "..")
}

// Hash is the lower-case hex SHA-256 of the origin, used in paths and URLs
// where the origin itself could not stand.
func (m MemberID) Hash() string {
	sum := sha256.Sum256([]byte(m))
	return hex.EncodeToString(sum[:])
}

// DomainProof is the name below a domain whose TXT record says whose it is.
const DomainProof = "_entrechat"

// RootKey is a member's Ed25519 root public key (32 bytes), the identity that
// outlives its domain and its machines. The zero value is no key.
type RootKey [ed25519.PublicKeySize]byte

// ParseRootKey reads the unpadded base64url form that String writes. Returns
// CodeInvalid.
func ParseRootKey(s string) (RootKey, error) {
	var k RootKey
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(k) {
		return k, Invalid("core.bad_key", fmt.Errorf("%.60q is not a root key", s))
	}
	copy(k[:], b)
	return k, nil
}

// Proof is the line by which a domain says that it is the member's.
func (k RootKey) Proof() string { return "entrechat=" + k.String() }

// String is the unpadded base64url form, 43 characters.
func (k RootKey) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// IsZero says that no key is set.
func (k RootKey) IsZero() bool { return k == RootKey{} }

// Public is the key as crypto/ed25519 wants it.
func (k RootKey) Public() ed25519.PublicKey { return ed25519.PublicKey(k[:]) }

// MarshalText writes the String form; JSON and SQL use it.
func (k RootKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the String form. Returns CodeInvalid.
func (k *RootKey) UnmarshalText(b []byte) error {
	parsed, err := ParseRootKey(string(b))
	*k = parsed
	return err
}
