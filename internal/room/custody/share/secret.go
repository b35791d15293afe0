package share

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"filippo.io/age"
	"github.com/cloudflare/circl/secretsharing"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// boxLabel is the salt of the derivation from a deal's secret to the age identity
// that opens its box. It never changes.
const boxLabel = "entrechat/box/1"

// Secret is a uniform scalar other than zero, 32 bytes little endian. A new deal has
// a new one: shares of the old one stay good for ever. The zero value opens nothing.
type Secret struct{ value [32]byte }

// New draws a secret.
func New() (Secret, error) {
	return Secret{value: fromScalar(curve().RandomNonZeroScalar(rand.Reader))}, nil
}

// Identity is the age identity that opens the deal's box. It depends on no more of
// the id than a share carries, so that k shares and the box are enough. An error for
// the zero value or an id that is none.
// spec: docs/spec/custody.md#box-identity
func (s Secret) Identity(id ID) (*age.X25519Identity, error) {
	if _, err := ParseID(string(id)); err != nil {
		return nil, err
	}
	if s == (Secret{}) {
		return nil, errors.New("an empty secret opens nothing")
	}
	key, err := hkdf.Key(sha256.New, s.value[:], []byte(boxLabel), id.Short(), 32)
	if err != nil {
		return nil, fmt.Errorf("derive a box's identity: %w", err)
	}
	return seal.AgeIdentity([32]byte(key))
}

// Recipient is the public half of Identity, to which the box is sealed: for that
// nobody needs a share.
func (s Secret) Recipient(id ID) (*age.X25519Recipient, error) {
	identity, err := s.Identity(id)
	if err != nil {
		return nil, err
	}
	return identity.Recipient(), nil
}

// Split makes n shares of which any k give the secret back, and the commitments by
// which everybody checks them. Shares are numbered from 1. Returns CodeInvalid
// unless 2 <= k <= n-1 (one holder may be ill) and n <= 64.
func (s Secret) Split(id ID, k, n int) ([]Share, Commitments, error) {
	if _, err := ParseID(string(id)); err != nil {
		return nil, nil, err
	}
	if k < MinK || k >= n || n > MaxN {
		return nil, nil, core.Invalid("custody.share.bad_count", fmt.Errorf("%d of %d", k, n)).With("K", k).With("N", n)
	}
	scalar, err := toScalar(s.value)
	if err != nil || scalar.IsZero() {
		return nil, nil, errors.New("an empty secret is not split")
	}
	sharing := secretsharing.New(rand.Reader, uint(k-1), scalar)
	points := sharing.CommitSecret()
	c := make(Commitments, len(points))
	for i, p := range points {
		c[i] = fromElement(p)
	}
	shares := make([]Share, n)
	for i, made := range sharing.Share(uint(n)) {
		shares[i] = Share{Deal: id.Short(), K: k, Number: i + 1, value: fromScalar(made.Value)}
		if err := c.Verify(shares[i]); err != nil {
			return nil, nil, fmt.Errorf("what was just split does not verify: %w", err)
		}
	}
	return shares, c, nil
}

// String keeps a secret that is printed by mistake out of logs.
func (Secret) String() string { return hidden }

// GoString is String, for %#v.
func (Secret) GoString() string { return hidden }

// LogValue is String, for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
