package document

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// ID is the id of a document of several parties: the hex SHA-256 of the
// payload they sign.
func ID(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// IDForm is the form of a whole id.
var IDForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// NewCode makes a code from the system's random source.
func NewCode() string { return rand.Text() }

// Keys are the keys a document's signatures are checked with, by signer.
type Keys map[core.MemberID][]ed25519.PublicKey

// Open verifies an envelope and returns its payload and who signed it.
func Open(env seal.Envelope, typ string, limit int, keys Keys) ([]byte, []core.MemberID, error) {
	payload, signers, err := env.Verify(typ, keys)
	if err != nil {
		return nil, nil, err
	}
	if len(payload) > limit {
		return nil, nil, TooLong(limit)
	}
	return payload, signers, nil
}

// TooLong is the error for a document over a limit in bytes. CodeInvalid.
func TooLong(limit int) error {
	return core.Invalid("trust.too_long", fmt.Errorf("document over %d bytes", limit)).With("Limit", limit)
}

// BadSignature is the error for a document whose signatures do not hold. CodeDenied.
func BadSignature(why string) error {
	return core.Denied("trust.bad_signature", errors.New(why))
}

// Sign makes a document of one signature.
func Sign(typ string, doc any, s seal.Signer) (id string, env seal.Envelope, err error) {
	payload, err := wire.Encode(doc)
	if err != nil {
		return "", env, err
	}
	env, err = seal.SignDoc(typ, payload, s)
	return ID(payload), env, err
}

// Payload reads the payload of a document whose signatures were checked when
// it was taken in, with the keys of that day.
func Payload(env seal.Envelope, into any) error {
	payload, err := env.Unverified()
	if err != nil {
		return err
	}
	return wire.Decode(payload, into)
}

// ClockTolerance is how far two clocks may differ.
const ClockTolerance = 10 * time.Minute

// Short is how an id is shown to people; any unique beginning is accepted back.
func Short(id string) string { return id[:min(12, len(id))] }

// IDPrefix is the beginning of an id; "g" sorts after every hex digit.
var IDPrefix = regexp.MustCompile(`^[0-9a-f]{4,64}$`)
