package trust

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Offer is a pact on its way between its two parties: the pact with one
// signature is a proposal; with both, and the acceptance, it is in force.
//
// spec: docs/spec/pact.md#exchange
type Offer struct {
	Pact       seal.Envelope  `json:"pact"`                // PactType
	Acceptance *seal.Envelope `json:"acceptance,omitzero"` // AcceptType
}

// maxOffer is the longest offer on the wire, in bytes: two envelopes in base64.
const maxOffer = 96 << 10

// Keys are the keys a document's signatures are checked with, by signer.
type Keys map[core.MemberID][]ed25519.PublicKey

// Opened is an offer whose every signature held.
type Opened struct {
	ID      string
	Pact    Pact
	Signers []core.MemberID
	Accept  *Acceptance
}

// by says whether a member signed the pact itself.
func (o Opened) by(id core.MemberID) bool { return slices.Contains(o.Signers, id) }

// Open checks an offer: signatures first, then the strict reading, then the
// rules. With an acceptance both parties must have signed. Returns CodeDenied
// for a signature that does not hold and CodeInvalid for the rest.
func (o Offer) Open(keys Keys) (Opened, error) {
	payload, signers, err := openDoc(o.Pact, PactType, maxPactPayload, keys)
	if err != nil {
		return Opened{}, err
	}
	out := Opened{ID: docID(payload), Signers: signers}
	if err := wire.Decode(payload, &out.Pact); err != nil {
		return Opened{}, err
	}
	if err := out.Pact.Check(); err != nil {
		return Opened{}, err
	}
	if !out.by(out.Pact.Proposer.Member) {
		return Opened{}, badSignature("the proposer did not sign the pact")
	}
	if o.Acceptance == nil {
		return out, nil
	}
	accepter := out.Pact.Accepter.Member
	if !out.by(accepter) {
		return Opened{}, badSignature("the accepter did not sign the pact")
	}
	payload, signers, err = openDoc(*o.Acceptance, AcceptType, maxPactPayload, Keys{accepter: keys[accepter]})
	if err != nil {
		return Opened{}, err
	}
	if !slices.Contains(signers, accepter) {
		return Opened{}, badSignature("the accepter did not sign the acceptance")
	}
	out.Accept = &Acceptance{}
	if err := wire.Decode(payload, out.Accept); err != nil {
		return Opened{}, err
	}
	return out, out.Accept.Check(out.ID, out.Pact)
}

// openDoc verifies an envelope and returns its payload and who signed it.
func openDoc(env seal.Envelope, typ string, limit int, keys Keys) ([]byte, []core.MemberID, error) {
	payload, signers, err := env.Verify(typ, keys)
	if err != nil {
		return nil, nil, err
	}
	if len(payload) > limit {
		return nil, nil, tooLong(limit)
	}
	return payload, signers, nil
}

func tooLong(limit int) error {
	return core.Invalid("trust.too_long", fmt.Errorf("document over %d bytes", limit)).With("Limit", limit)
}

func badSignature(why string) error {
	return core.Denied("trust.bad_signature", errors.New(why))
}

// sign makes a document of one signature.
func sign(typ string, doc any, s seal.Signer) (id string, env seal.Envelope, err error) {
	payload, err := wire.Encode(doc)
	if err != nil {
		return "", env, err
	}
	env, err = seal.SignDoc(typ, payload, s)
	return docID(payload), env, err
}

// payloadOf reads the payload of a document whose signatures were checked when
// it was taken in, with the keys of that day.
func payloadOf(env seal.Envelope, into any) error {
	payload, err := env.Unverified()
	if err != nil {
		return err
	}
	return wire.Decode(payload, into)
}
