package box

import (
	"encoding/base64"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/share"
)

// TypeUpdate is the payload type of a box as its owner signs it.
// spec: docs/spec/custody.md#box
const TypeUpdate = "application/vnd.entrechat.custody-box.v1+json"

// MaxDocument bounds an update with its signature, in bytes.
const MaxDocument = 160 << 10

// Update is a box of a deal. The zero value is none.
type Update struct {
	V       int64         `json:"v"` // 1
	Owner   core.MemberID `json:"owner"`
	Deal    share.ID      `json:"deal"`
	Version int64         `json:"version"` // from 1; only a higher one replaces it
	Made    core.Moment   `json:"sealed_us"`
	Box     string        `json:"box"` // base64 of the age file
}

// Signed is an update with its signature, which Read has not verified.
type Signed struct {
	Update
	Sealed   []byte // the age file
	Document seal.Envelope
}

// Sign makes the update of a sealed box.
func Sign(u Update, sealed []byte, by seal.Signer) (Signed, error) {
	u.V, u.Owner, u.Box = 1, by.ID(), base64.StdEncoding.EncodeToString(sealed)
	if _, err := u.check(); err != nil {
		return Signed{}, err
	}
	payload, err := wire.Encode(u)
	if err != nil {
		return Signed{}, err
	}
	env, err := seal.SignDoc(TypeUpdate, payload, by)
	return Signed{u, sealed, env}, err
}

// Read reads an update without verifying it. Returns CodeInvalid.
func Read(env seal.Envelope) (s Signed, err error) {
	s.Document = env
	if env.PayloadType != TypeUpdate {
		return s, bad(fmt.Errorf("type %.80q", env.PayloadType))
	}
	payload, err := env.Unverified()
	if err != nil {
		return s, err
	}
	if len(payload) > MaxDocument {
		return s, bad(fmt.Errorf("%d bytes", len(payload)))
	}
	if err := wire.Decode(payload, &s.Update); err != nil {
		return s, err
	}
	s.Sealed, err = s.check()
	return s, err
}

// check refuses what no update says, and answers the age file.
func (u Update) check() ([]byte, error) {
	_, err := share.ParseID(string(u.Deal))
	if u.V != 1 || !u.Owner.Valid() || u.Version < 1 || u.Made <= 0 || err != nil {
		return nil, bad(errors.New("an update of no deal, or without a version"))
	}
	sealed, err := wire.Base64(u.Box)
	if err != nil || len(sealed) == 0 || len(sealed) > maxSealed {
		return nil, bad(errors.New("no sealed box, or a too large one"))
	}
	return sealed, nil
}

func bad(err error) error { return core.Invalid("custody.box.bad_update", err) }
