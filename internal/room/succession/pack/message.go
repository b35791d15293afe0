package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/promise"
)

// The endpoints of successors; the last one is of owners.
const (
	pathPack     = "/ec/v1/succession/pack"
	pathRestored = "/ec/v1/succession/restored"
)

func pathSealed(service string) string { return pathPack + "/" + service + "/sealed" }

// offer is a pack on its way to a successor.
type offer struct {
	Pack  seal.Envelope `json:"pack"`
	Nonce string        `json:"nonce"` // what the receipt has to prove itself with
}

// answer is what the successor says: a receipt, or none while the sealed file is not there whole.
type answer struct {
	Receipt *seal.Envelope `json:"receipt"`
}

// saidRestored is that an owner's service was restored.
type saidRestored struct {
	Restored seal.Envelope `json:"restored"`
}

// typeReceipt is the payload type of a receipt.
const typeReceipt = "application/vnd.entrechat.pack-receipt.v1+json"

// receipt says that a successor has a pack whole. It cannot be made without the sealed file.
type receipt struct {
	V       int64         `json:"v"` // 1
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	By      core.MemberID `json:"by"`
	Pack    string        `json:"pack"`  // ID
	Nonce   string        `json:"nonce"` // of the owner
	Proof   string        `json:"proof"` // SHA-256 of the nonce, a line feed, and the sealed file
	At      core.Moment   `json:"at_us"`
}

func validNonce(nonce string) bool { return len(nonce) >= 16 && plain(nonce, 64) }

// proofOf reads a sealed file once: its SHA-256, and what a receipt proves itself with.
func proofOf(sealed io.Reader, nonce string) (sum, proved string, err error) {
	bare, salted := sha256.New(), sha256.New()
	_, _ = io.WriteString(salted, nonce+"\n") // a hash takes everything
	_, err = io.Copy(io.MultiWriter(bare, salted), sealed)
	return hex.EncodeToString(bare.Sum(nil)), hex.EncodeToString(salted.Sum(nil)), err
}

func signReceipt(r receipt, by seal.Signer) (env seal.Envelope, err error) {
	r.V, r.By = 1, by.ID()
	payload, err := wire.Encode(r)
	if err != nil {
		return env, err
	}
	return seal.SignDoc(typeReceipt, payload, by)
}

func readReceipt(env seal.Envelope) (r receipt, err error) {
	payload, err := payloadOf(env, typeReceipt)
	if err != nil {
		return r, err
	}
	if err := wire.Decode(payload, &r); err != nil {
		return r, err
	}
	if r.V != 1 || !r.Owner.Valid() || !r.By.Valid() || !promise.ValidService(r.Service) || !hashForm.MatchString(r.Pack) || !hashForm.MatchString(r.Proof) {
		return r, bad(errors.New("no receipt"))
	}
	return r, nil
}
