package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"entrechat/internal/core"
)

// Verifier reads a file and ends in an error, CodeInvalid, instead of io.EOF when
// the content's SHA-256 is not the name it came under.
type Verifier struct {
	from io.Reader
	name string
	sum  hash.Hash
}

// NewVerifier checks what is read from r against a file's name.
func NewVerifier(r io.Reader, name string) *Verifier {
	return &Verifier{from: r, name: name, sum: sha256.New()}
}

// Read hands on what it reads.
func (v *Verifier) Read(p []byte) (int, error) {
	n, err := v.from.Read(p)
	v.sum.Write(p[:n])
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if got := hex.EncodeToString(v.sum.Sum(nil)); got != v.name {
		return n, core.Invalid("vault.name_mismatch", fmt.Errorf("content is %s, its name %s", got, v.name))
	}
	return n, io.EOF
}
