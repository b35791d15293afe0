package pact

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
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
func (o Offer) Open(types grant.Types, keys document.Keys) (Opened, error) {
	payload, signers, err := document.Open(o.Pact, Type, maxPayload, keys)
	if err != nil {
		return Opened{}, err
	}
	out := Opened{ID: document.ID(payload), Signers: signers}
	if err := wire.Decode(payload, &out.Pact); err != nil {
		return Opened{}, err
	}
	if err := out.Pact.Check(types); err != nil {
		return Opened{}, err
	}
	if !out.by(out.Pact.Proposer.Member) {
		return Opened{}, document.BadSignature("the proposer did not sign the pact")
	}
	if o.Acceptance == nil {
		return out, nil
	}
	accepter := out.Pact.Accepter.Member
	if !out.by(accepter) {
		return Opened{}, document.BadSignature("the accepter did not sign the pact")
	}
	payload, signers, err = document.Open(*o.Acceptance, AcceptType, maxPayload, document.Keys{accepter: keys[accepter]})
	if err != nil {
		return Opened{}, err
	}
	if !slices.Contains(signers, accepter) {
		return Opened{}, document.BadSignature("the accepter did not sign the acceptance")
	}
	out.Accept = &Acceptance{}
	if err := wire.Decode(payload, out.Accept); err != nil {
		return Opened{}, err
	}
	return out, out.Accept.Check(out.ID, out.Pact)
}
