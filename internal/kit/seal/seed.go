package seal

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
)

// Seed is the 32 random bytes a hoster keeps on paper as 24 words. Everything
// that must outlive its disk is derived from it; the node never stores it.
// spec: docs/spec/keys.md#seed
type Seed [32]byte

// The derivations. A new purpose gets a new label, an old one never changes.
const (
	rootLabel     = "entrechat/root/1"
	recoveryLabel = "entrechat/recovery/1"
)

// String keeps a seed that is printed by mistake out of logs; Words are meant.
func (Seed) String() string { return "(seed)" }

// GoString is String, for %#v.
func (Seed) GoString() string { return "(seed)" }

// LogValue is String, for slog.
func (Seed) LogValue() slog.Value { return slog.StringValue("(seed)") }

// NewSeed draws a seed from the system's randomness.
func NewSeed() (Seed, error) {
	var s Seed
	if _, err := rand.Read(s[:]); err != nil {
		return s, fmt.Errorf("draw a seed: %w", err)
	}
	return s, nil
}

// ParseSeed reads 24 BIP 39 English words; case and white space do not matter.
// Returns CodeInvalid with the word that is unknown, or when the checksum shows
// that a word is wrong or out of place.
func ParseSeed(text string) (Seed, error) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) != wordCount {
		return Seed{}, core.Invalid("seal.seed_count", fmt.Errorf("%d words, not 24", len(words))).With("Count", len(words))
	}
	for i, w := range words {
		if _, known := english().numbers[w]; !known {
			// The word itself stays out of the error: it would end in a log.
			return Seed{}, core.Invalid("seal.seed_word", fmt.Errorf("word %d is not in the list", i+1)).With("Number", i+1)
		}
	}
	entropy, ok := decodeWords(words)
	if !ok {
		return Seed{}, core.Invalid("seal.seed_checksum", errors.New("the words' checksum does not match"))
	}
	return entropy, nil
}

// Words are the 24 words to print.
func (s Seed) Words() string { return strings.Join(encodeWords(s), " ") }

// RootKey is the offline key that is the hoster's identity.
func (s Seed) RootKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.derive(rootLabel)) }

// Root is the public half of RootKey.
func (s Seed) Root() core.RootKey {
	return core.RootKey(s.RootKey().Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
}

// RecoveryIdentity is the age identity every backup is also encrypted to.
func (s Seed) RecoveryIdentity() (*age.X25519Identity, error) {
	return AgeIdentity([32]byte(s.derive(recoveryLabel)))
}

// AgeIdentity makes an age identity of 32 secret bytes, which must be uniform.
func AgeIdentity(secret [32]byte) (*age.X25519Identity, error) {
	text, err := Bech32("AGE-SECRET-KEY-", secret[:])
	if err != nil {
		return nil, err
	}
	return age.ParseX25519Identity(strings.ToUpper(text))
}

func (s Seed) derive(label string) []byte {
	key, err := hkdf.Key(sha256.New, s[:], nil, label, 32)
	if err != nil {
		panic("32 bytes are always within HKDF's limit: " + err.Error())
	}
	return key
}

// Fingerprint is a root key in six words for two people on the phone: the first
// 66 bits of its SHA-256, in the same word list as the seed.
// spec: docs/spec/keys.md#fingerprint
func Fingerprint(root core.RootKey) string {
	words := SixWords(sha256.Sum256(root[:]))
	return strings.Join(words[:], "-")
}

// SixWords are the first 66 bits of a hash as words of the seed's list, for two
// people who compare by voice.
func SixWords(sum [32]byte) (words [6]string) {
	for i := range words {
		words[i] = english().words[numberAt(sum[:], i)]
	}
	return words
}
