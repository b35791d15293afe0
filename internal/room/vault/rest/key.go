package rest

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/poly1305" //nolint:staticcheck // deprecated for new formats; restic's has it
	"golang.org/x/crypto/scrypt"
)

// MaxKey is the largest key file that is looked at, in bytes: restic's have half a
// kilobyte.
const MaxKey = 64 << 10

const (
	// maxScryptMemory bounds what opening one key may take, in bytes: restic asks for
	// at most 60 MiB.
	maxScryptMemory = 128 << 20
	// maxScryptCost bounds N*r*p, and with it the time: restic's are about 2^18, a
	// tenth of a second.
	maxScryptCost = 1 << 23
	macSize       = poly1305.TagSize
	nonceSize     = aes.BlockSize
)

// keyFile is what a key file of restic says as far as its password goes.
type keyFile struct {
	KDF  string `json:"kdf"`
	N    int    `json:"N"`
	R    int    `json:"r"`
	P    int    `json:"p"`
	Salt []byte `json:"salt"`
	Data []byte `json:"data"` // nonce, ciphertext, MAC
}

// affordable says whether the parameters are within bounds; they come from who may
// add files.
func (k keyFile) affordable() bool {
	for _, n := range []int{k.N, k.R, k.P} {
		if n < 1 || n > maxScryptCost {
			return false
		}
	}
	return k.N*k.R <= maxScryptMemory/128 && k.N*k.R*k.P <= maxScryptCost // each < 2^24: no overflow in 64 bits
}

// Master is what proves that a file of a repository was sealed by who knows its
// password: the half of restic's master key that signs.
type Master struct {
	K []byte `json:"k"` // makes the pad of the MAC
	R []byte `json:"r"` // its other half
}

// KeyOpens says whether a password opens a key file of restic. An error means that
// it cannot be told: the file is none of restic's, or asks for too much work.
func KeyOpens(file []byte, password string) (bool, error) {
	m, err := OpenKey(file, password)
	return m != nil, err
}

// OpenKey opens a key file of restic; nil when the password does not. Errors as for
// KeyOpens.
//
// Source: restic's documentation, "Design", "Keys, Encryption and MAC".
func OpenKey(file []byte, password string) (*Master, error) {
	var k keyFile
	if err := json.Unmarshal(file, &k); err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if k.KDF != "scrypt" || len(k.Data) < nonceSize+macSize || !k.affordable() {
		return nil, errors.New("not a key file that restic writes")
	}
	// 32 bytes encrypt, 16 make the pad of the MAC, 16 are its other half.
	derived, err := scrypt.Key([]byte(password), k.Salt, k.N, k.R, k.P, 64)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	if !(&Master{derived[32:48], derived[48:]}).Sealed(k.Data) {
		return nil, nil //nolint:nilnil // another password's
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	text := make([]byte, len(k.Data)-nonceSize-macSize)
	cipher.NewCTR(block, k.Data[:nonceSize]).XORKeyStream(text, k.Data[nonceSize:len(k.Data)-macSize])
	var inner struct {
		MAC Master `json:"mac"`
	}
	if json.Unmarshal(text, &inner) == nil && len(inner.MAC.K) == 16 && len(inner.MAC.R) == 16 {
		return &inner.MAC, nil
	}
	return &Master{}, nil // opened, and of a form we do not know: it proves nothing
}

// Sealed says whether a file of a repository, as restic stores it, was sealed with its
// master key.
func (m *Master) Sealed(file []byte) bool {
	if len(file) < nonceSize+macSize {
		return false
	}
	pad, err := aes.NewCipher(m.K)
	if err != nil {
		return true // of a form we do not know
	}
	var mac [macSize]byte
	var once [32]byte
	copy(once[:16], m.R)
	pad.Encrypt(once[16:], file[:nonceSize])
	copy(mac[:], file[len(file)-macSize:])
	return poly1305.Verify(&mac, file[nonceSize:len(file)-macSize], &once)
}
