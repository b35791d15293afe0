package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"entrechat/internal/core"
)

const (
	boxHead    = "entrechat box key 1\n"
	boxVersion = 1
	boxMark    = 4 // bytes of a key's hash in front of what it sealed
)

// Box seals small secrets that lie in the database with a key that lies in a file beside
// it, so that a copy of the database alone gives none of them. Safe for concurrent use.
// The zero value seals nothing: use OpenBox or NewBox.
type Box struct{ key [32]byte }

// NewBox makes a box of a key in memory, for tests.
func NewBox(key [32]byte) Box { return Box{key} }

// OpenBox reads the key file, or draws one and writes it when there is none. Returns what
// ReadSecret and WriteSecret return, and CodeInvalid for a file that is no such key.
func OpenBox(path string) (Box, error) {
	text, err := ReadSecret(path)
	if core.CodeOf(err) == core.CodeNotFound {
		var key [32]byte
		_, _ = rand.Read(key[:]) // never fails
		err = WriteSecret(path, []byte(boxHead+base64.StdEncoding.EncodeToString(key[:])+"\n"))
		if err == nil {
			return Box{key}, nil
		}
		if core.CodeOf(err) != core.CodeConflict {
			return Box{}, err
		}
		text, err = ReadSecret(path) // another process was first
	}
	if err != nil {
		return Box{}, err
	}
	rest, ok := strings.CutPrefix(string(text), boxHead)
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(rest, "\n"))
	if !ok || err != nil || len(key) != 32 {
		return Box{}, core.Invalid("seal.bad_box", fmt.Errorf("%s is no box key", path)).With("Path", path)
	}
	return Box{[32]byte(key)}, nil
}

// Key derives a key of 32 bytes for one purpose, which the label names; two labels have
// keys that say nothing of each other.
func (b Box) Key(label string) []byte {
	key, err := hkdf.Key(sha256.New, b.key[:], nil, "entrechat "+label, 32)
	if err != nil {
		panic(err) // only for lengths that no hash has
	}
	return key
}

// Seal encrypts a secret. The label says whose and what for; only the same label opens it,
// so that a row cannot take the place of another.
func (b Box) Seal(label string, secret []byte) []byte {
	aead, err := chacha20poly1305.NewX(b.Key("box"))
	if err != nil {
		panic(err) // only for keys of another length
	}
	out := append([]byte{boxVersion}, b.mark()...)
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(secret)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // never fails
	return append(out, aead.Seal(nonce, nonce, secret, []byte(label))...)
}

// Open decrypts what Seal made. Returns CodeNotFound "seal.other_box" for what another key
// sealed: the key file is not the one this database was written with. CodeInvalid for
// what was changed, or has another label.
func (b Box) Open(label string, sealed []byte) ([]byte, error) {
	const head = 1 + boxMark
	if len(sealed) < head+chacha20poly1305.NonceSizeX || sealed[0] != boxVersion {
		return nil, core.Invalid("seal.bad_sealed", errors.New("not sealed by a box"))
	}
	if string(sealed[1:head]) != string(b.mark()) {
		return nil, core.NotFound("seal.other_box", errors.New("sealed with another key"))
	}
	aead, err := chacha20poly1305.NewX(b.Key("box"))
	if err != nil {
		panic(err)
	}
	nonce, text := sealed[head:head+chacha20poly1305.NonceSizeX], sealed[head+chacha20poly1305.NonceSizeX:]
	secret, err := aead.Open(nil, nonce, text, []byte(label))
	if err != nil {
		return nil, core.Invalid("seal.bad_sealed", err)
	}
	return secret, nil
}

// mark tells keys apart without saying anything of them.
func (b Box) mark() []byte { return b.Key("box mark")[:boxMark] }

// String keeps the key out of what is printed by mistake.
func (Box) String() string { return "a box key" }

// GoString is String, for %#v.
func (Box) GoString() string { return "a box key" }

// LogValue is String, for slog.
func (Box) LogValue() slog.Value { return slog.StringValue("a box key") }
