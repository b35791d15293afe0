package seal

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"entrechat/internal/core"
)

// Signer signs for a member with its online key: logbook checkpoints, requests
// and documents. Safe for concurrent use.
// spec: docs/spec/keys.md#one-online-key
type Signer interface {
	ID() core.MemberID
	Public() ed25519.PublicKey
	Sign(message []byte) []byte
}

// Holds says whether sig is key's signature of message. Unlike ed25519.Verify it
// does not panic when a stranger's key has another length; such a key signs nothing.
func Holds(key ed25519.PublicKey, message, sig []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, sig)
}

type signer struct {
	id  core.MemberID
	key ed25519.PrivateKey
}

// NewSigner makes a Signer of a key that is in memory.
func NewSigner(id core.MemberID, key ed25519.PrivateKey) Signer { return signer{id: id, key: key} }

func (s signer) ID() core.MemberID { return s.id }

// String keeps the key out of logs.
func (s signer) String() string { return string(s.id) }

func (s signer) Public() ed25519.PublicKey {
	return s.key.Public().(ed25519.PublicKey) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
}

func (s signer) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

// KeyHash is the lower-case hex of the first 16 bytes of a public key's SHA-256,
// how documents name a key.
func KeyHash(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// NewKeyFile draws an Ed25519 key and writes it to a file of mode 0600.
func NewKeyFile(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	text := "# entrechat online key (Ed25519 seed, base64). Whoever has it acts for this node.\n" +
		base64.StdEncoding.EncodeToString(key.Seed()) + "\n"
	return key, WriteSecret(path, []byte(text))
}

// ReadKeyFile reads what NewKeyFile wrote. Returns CodeNotFound, CodeDenied when
// others may read the file, CodeInvalid when it is not such a key.
func ReadKeyFile(path string) (ed25519.PrivateKey, error) {
	text, err := ReadSecret(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		seed, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(seed) != ed25519.SeedSize {
			break
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	return nil, core.Invalid("seal.bad_key_file", fmt.Errorf("%s holds no Ed25519 seed", path)).With("Path", path)
}
