package motion

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// The payload types of the documents.
// spec: docs/spec/decision.md#proposal
const (
	TypeProposal  = "application/vnd.entrechat.proposal.v1+json"
	TypeRemark    = "application/vnd.entrechat.remark.v1+json"
	TypeObjection = "application/vnd.entrechat.objection.v1+json"
)

const (
	maxProposal = 160 << 10 // bytes of a payload
	maxWord     = 32 << 10
)

var (
	idForm   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	saltForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
	langForm = regexp.MustCompile(`^[a-z]{2,3}$`)
)

// ValidID says whether a text has the form of a document's id.
func ValidID(id string) bool { return idForm.MatchString(id) }

// ID is the id of a document: the lower-case hex SHA-256 of its payload.
func ID(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Document is a signed document with its id.
type Document struct {
	ID       string
	Envelope seal.Envelope
}

func bad(why string) error { return core.Invalid("assembly.motion.bad", errors.New(why)) }

// newSalt keeps the id of a document from saying anything of its text.
func newSalt() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func sign(typ string, v any, by seal.Signer) (Document, error) {
	payload, err := wire.Encode(v)
	if err != nil {
		return Document{}, err
	}
	if len(payload) > limitOf(typ) {
		return Document{}, core.Invalid("assembly.motion.too_large", fmt.Errorf("%d bytes", len(payload)))
	}
	env, err := seal.SignDoc(typ, payload, by)
	return Document{ID(payload), env}, err
}

func limitOf(typ string) int {
	if typ == TypeProposal {
		return maxProposal
	}
	return maxWord
}

// open reads the payload of an envelope into v. It looks at who says to have signed it, alone;
// whether the signature holds is the caller's to ask.
func open(env seal.Envelope, typ string, v any) (id string, by core.MemberID, err error) {
	if env.PayloadType != typ {
		return "", "", bad(fmt.Sprintf("type %.80q", env.PayloadType))
	}
	signers := env.Signers()
	if len(signers) != 1 {
		return "", "", bad(fmt.Sprintf("%d signatures", len(signers)))
	}
	payload, err := env.Unverified()
	if err != nil {
		return "", "", err
	}
	if len(payload) > limitOf(typ) {
		return "", "", bad(fmt.Sprintf("%d bytes", len(payload)))
	}
	return ID(payload), signers[0], wire.Decode(payload, v)
}
