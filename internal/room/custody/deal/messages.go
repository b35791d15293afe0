package deal

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// The endpoints for members.
// spec: docs/spec/custody.md#endpoints
const (
	pathDeal = "/ec/v1/custody/deal"
	pathBox  = "/ec/v1/custody/box"
)

// TypeAck is the payload type of an acknowledgement.
const TypeAck = "application/vnd.entrechat.custody-ack.v1+json"

const (
	maxContacts = 16 << 10 // bytes of a sealed contact sheet
	maxShare    = 1 << 10  // bytes of a sealed share
	maxBody     = 256 << 10
)

// delivery brings a holder's node its share.
type delivery struct {
	Deal     seal.Envelope `json:"deal"`
	Share    string        `json:"share"` // base64 of an age file to the node's recipient
	Box      seal.Envelope `json:"box"`
	Contacts string        `json:"contacts,omitempty"` // base64, age: whom to call back
}

// refresh brings a holder's node a newer box.
type refresh struct {
	Box      seal.Envelope `json:"box"`
	Contacts string        `json:"contacts,omitempty"`
}

// receipt answers both.
type receipt struct {
	Ack seal.Envelope `json:"ack"`
}

// ack is a holder's word that it has its share, checked it, and keeps a box.
type ack struct {
	V      int64         `json:"v"` // 1
	Deal   share.ID      `json:"deal"`
	Number int64         `json:"number"`
	Holder core.MemberID `json:"holder"`
	Box    int64         `json:"box"` // version of the box it keeps
	At     core.Moment   `json:"at_us"`
}

func (a ack) sign(by seal.Signer) (seal.Envelope, error) {
	a.V, a.Holder = 1, by.ID()
	payload, err := wire.Encode(a)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.SignDoc(TypeAck, payload, by)
}

// readAck reads and verifies what a holder answered about its share of a deal.
func (n Needs) readAck(ctx context.Context, env seal.Envelope, of share.ID, h Holder) (a ack, err error) {
	if err := n.signedBy(ctx, env, TypeAck, h.Member); err != nil {
		return a, err
	}
	if err := readDocument(env, TypeAck, &a); err != nil {
		return a, err
	}
	if a.V != 1 || a.Deal != of || a.Number != h.Number || a.Holder != h.Member || a.Box < 1 || a.At <= 0 {
		return a, core.Invalid("custody.deal.bad_ack", errors.New("an acknowledgement of another share"))
	}
	return a, nil
}

// signedBy says whether a member signed a document, alone. Returns CodeInvalid, CodeDenied,
// CodeNotFound for a stranger.
func (n Needs) signedBy(ctx context.Context, env seal.Envelope, typ string, who core.MemberID) error {
	keys, err := n.Book.Keys(ctx, who)
	if err != nil {
		return err
	}
	_, signers, err := env.Verify(typ, keysOf(who, keys))
	if err != nil {
		return err
	}
	if len(signers) != 1 || signers[0] != who {
		return core.Denied("custody.deal.other_signer", fmt.Errorf("signed by %v", signers))
	}
	return nil
}

// readBox reads and verifies a box of a deal of a member's.
func (n Needs) readBox(ctx context.Context, env seal.Envelope, owner core.MemberID) (box.Signed, error) {
	if err := n.signedBy(ctx, env, box.TypeUpdate, owner); err != nil {
		return box.Signed{}, err
	}
	s, err := box.Read(env)
	if err == nil && s.Owner != owner {
		err = core.Denied("custody.deal.other_signer", errors.New("a box of somebody else"))
	}
	return s, err
}
