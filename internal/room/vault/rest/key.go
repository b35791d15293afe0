package rest

import (
	"crypto/aes"
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

// KeyOpens says whether a password opens a key file of restic. An error means that
// it cannot be told: the file is none of restic's, or asks for too much work.
//
// Source: restic's documentation, "Design", "Keys, Encryption and MAC".
func KeyOpens(file []byte, password string) (bool, error) {
	var k keyFile
	if err := json.Unmarshal(file, &k); err != nil {
		return false, fmt.Errorf("read key file: %w", err)
	}
	if k.KDF != "scrypt" || len(k.Data) < nonceSize+macSize || !k.affordable() {
		return false, errors.New("not a key file that restic writes")
	}
	// 32 bytes encrypt, 16 make the pad of the MAC, 16 are its other half.
	derived, err := scrypt.Key([]byte(password), k.Salt, k.N, k.R, k.P, 64)
	if err != nil {
		return false, fmt.Errorf("derive key: %w", err)
	}
	pad, err := aes.NewCipher(derived[32:48])
	if err != nil {
		return false, fmt.Errorf("derive key: %w", err)
	}
	var mac [macSize]byte
	var once [32]byte
	copy(once[:16], derived[48:])
	pad.Encrypt(once[16:], k.Data[:nonceSize])
	copy(mac[:], k.Data[len(k.Data)-macSize:])
	return poly1305.Verify(&mac, k.Data[nonceSize:len(k.Data)-macSize], &once), nil
}
