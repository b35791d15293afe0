package seal

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

const (
	// MaxDocument bounds the encoded size of an envelope, in bytes.
	MaxDocument = 256 << 10
	// maxSignatures bounds the work a stranger's envelope can ask for.
	maxSignatures = 8
)

// Envelope is a DSSE document: exact payload bytes, their type, and the
// signatures of the parties. The bytes are signed, so nothing is ever put in a
// canonical form.
// spec: docs/spec/documents.md#envelope
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // standard base64
	Signatures  []Signature `json:"signatures"`
}

// Signature is one party's signature; KeyID is "<member id> <key hash>".
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // standard base64
}

// SignDoc makes an envelope of payload with one signature.
func SignDoc(typ string, payload []byte, s Signer) (Envelope, error) {
	e := Envelope{PayloadType: typ, Payload: base64.StdEncoding.EncodeToString(payload)}
	return e, e.AddSignature(s)
}

// AddSignature adds a party's signature over the same bytes; a second one of the
// same key replaces nothing and adds nothing.
func (e *Envelope) AddSignature(s Signer) error {
	payload, err := e.Unverified()
	if err != nil {
		return err
	}
	id := keyID(s.ID(), s.Public())
	if slices.ContainsFunc(e.Signatures, func(sig Signature) bool { return sig.KeyID == id }) {
		return nil
	}
	sig := s.Sign(pae(e.PayloadType, payload))
	e.Signatures = append(e.Signatures, Signature{KeyID: id, Sig: base64.StdEncoding.EncodeToString(sig)})
	return nil
}

func keyID(id core.MemberID, key ed25519.PublicKey) string { return string(id) + " " + KeyHash(key) }

// pae is DSSE's pre-authentication encoding.
func pae(typ string, payload []byte) []byte {
	head := "DSSEv1 " + strconv.Itoa(len(typ)) + " " + typ + " " + strconv.Itoa(len(payload)) + " "
	return append([]byte(head), payload...)
}

// Verify checks the type and every signature against the keys of their members
// and returns the payload with the members who signed, each once and at least one;
// whether those are the parties it takes is the caller's question. Any signature
// that does not hold spoils the whole. Returns CodeInvalid, or CodeDenied for a
// signature by a key that is not the member's.
func (e Envelope) Verify(typ string, keys map[core.MemberID][]ed25519.PublicKey) ([]byte, []core.MemberID, error) {
	// An envelope may have come inside another document, past DecodeEnvelope.
	if err := e.check(); err != nil {
		return nil, nil, err
	}
	payload, err := e.Unverified()
	if err != nil {
		return nil, nil, err
	}
	if e.PayloadType != typ {
		return nil, nil, core.Invalid("seal.bad_document", fmt.Errorf("type %.60q, not %q", e.PayloadType, typ))
	}
	var signers []core.MemberID
	message := pae(typ, payload)
	for _, sig := range e.Signatures {
		member, err := sig.verify(message, keys)
		if err != nil {
			return nil, nil, err
		}
		if !slices.Contains(signers, member) {
			signers = append(signers, member)
		}
	}
	return payload, signers, nil
}

func (s Signature) verify(message []byte, keys map[core.MemberID][]ed25519.PublicKey) (core.MemberID, error) {
	id, hash, ok := strings.Cut(s.KeyID, " ")
	raw, err := wire.Base64(s.Sig)
	if !ok || err != nil {
		return "", core.Invalid("seal.bad_document", errors.Join(errors.New("signature is malformed"), err))
	}
	for _, key := range keys[core.MemberID(id)] {
		if KeyHash(key) == hash && Holds(key, message, raw) {
			return core.MemberID(id), nil
		}
	}
	return "", core.Denied("seal.bad_signature", fmt.Errorf("signature of %.80q does not hold", id)).With("Member", id)
}

// Signers lists who an envelope says signed it, unverified.
func (e Envelope) Signers() []core.MemberID {
	out := make([]core.MemberID, 0, len(e.Signatures))
	for _, sig := range e.Signatures {
		id, _, _ := strings.Cut(sig.KeyID, " ")
		out = append(out, core.MemberID(id))
	}
	return out
}

// Unverified returns the payload bytes of a document whose signers are not known
// yet, to find out whose keys to ask for. Returns CodeInvalid.
func (e Envelope) Unverified() ([]byte, error) {
	payload, err := wire.Base64(e.Payload)
	if err != nil {
		return nil, core.Invalid("seal.bad_document", fmt.Errorf("payload: %w", err))
	}
	return payload, nil
}

// Encode writes the envelope.
func (e Envelope) Encode() ([]byte, error) { return wire.Encode(e) }

// DecodeEnvelope reads an envelope strictly. Returns CodeInvalid.
func DecodeEnvelope(data []byte) (Envelope, error) {
	var e Envelope
	if len(data) > MaxDocument {
		return e, core.Invalid("seal.bad_document", fmt.Errorf("%d bytes, at most %d", len(data), MaxDocument))
	}
	if err := wire.Decode(data, &e); err != nil {
		return e, err
	}
	return e, e.check()
}

// check refuses what no signature could save: nobody's, too many to look at, or
// one key counted twice.
func (e Envelope) check() error {
	if len(e.Signatures) == 0 || len(e.Signatures) > maxSignatures {
		return core.Invalid("seal.bad_document", fmt.Errorf("%d signatures", len(e.Signatures)))
	}
	for i, sig := range e.Signatures {
		if slices.ContainsFunc(e.Signatures[:i], func(s Signature) bool { return s.KeyID == sig.KeyID }) {
			return core.Invalid("seal.bad_document", fmt.Errorf("two signatures of %.80q", sig.KeyID))
		}
	}
	return nil
}
