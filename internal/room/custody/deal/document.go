package deal

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// Type is the payload type of a deal's document.
// spec: docs/spec/custody.md#deal
const Type = "application/vnd.entrechat.custody-deal.v1+json"

const (
	maxDocument = 48 << 10             // bytes of a deal with its signature
	maxWait     = 90 * 24              // hours that a document may say
	longestWait = 45 * 24 * time.Hour  // of deals that are made or taken: a second one, after a veto, fits the life of an ask
	life        = 548 * 24 * time.Hour // 18 months: then it is dealt again
	maxLife     = 2 * life
	maxCards    = 64
)

// Deal is what the owner signs and every holder keeps. It names no person and holds no share.
// The zero value is none.
type Deal struct {
	V           int64             `json:"v"` // 1
	ID          share.ID          `json:"id"`
	Owner       core.MemberID     `json:"owner"`
	Scope       box.Scope         `json:"scope"`
	K           int64             `json:"k"` // how many shares open the box
	N           int64             `json:"n"`
	Commitments share.Commitments `json:"commitments"`
	Recipient   string            `json:"recipient"` // age1..., what the box is sealed to
	Holders     []Holder          `json:"holders"`   // n of them, by number
	Cards       []Card            `json:"cards,omitzero"`
	WaitHours   int64             `json:"wait_h"` // holders wait so long before they give shares
	Made        core.Moment       `json:"made_us"`
	Until       core.Moment       `json:"until_us"`
	Before      share.ID          `json:"before,omitempty"` // the deal it takes the place of
}

// Holder keeps one share: a member's node, or a person of the owner's by an opaque id.
type Holder struct {
	Number int64         `json:"number"`
	Member core.MemberID `json:"member,omitempty"`
	Person string        `json:"person,omitempty"`
}

// Who is the holder as proofs and acknowledgements name it.
func (h Holder) Who() string {
	if h.Member != "" {
		return string(h.Member)
	}
	return h.Person
}

// Card is the public key of a person of the owner's, who may stop an ask.
type Card struct {
	ID  string `json:"id"`
	Key string `json:"key"` // "ssh-ed25519 AAAA..."
}

var (
	personForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	keyForm    = regexp.MustCompile(`^(ssh|sk-ssh)-ed25519(@openssh\.com)? [A-Za-z0-9+/=]{60,400}$`)
)

// Wait is how long holders wait before they give their shares.
func (d Deal) Wait() time.Duration { return time.Duration(d.WaitHours) * time.Hour }

// Holder is the holder with a number.
func (d Deal) Holder(number int64) (Holder, bool) {
	if number < 1 || number > int64(len(d.Holders)) {
		return Holder{}, false
	}
	return d.Holders[number-1], true
}

// Of is the share that a member's node keeps.
func (d Deal) Of(member core.MemberID) (Holder, bool) {
	for _, h := range d.Holders {
		if h.Member == member && member != "" {
			return h, true
		}
	}
	return Holder{}, false
}

// check refuses what no deal says. Returns CodeInvalid "custody.deal.bad".
func (d Deal) check() error {
	_, idErr := share.ParseID(string(d.ID))
	to, toErr := age.ParseX25519Recipient(d.Recipient)
	switch {
	case d.V != 1 || idErr != nil || !d.Owner.Valid() || !d.Scope.Valid():
		return bad(errors.New("no version 1, id, owner or scope"))
	case d.K < share.MinK || d.K >= d.N || d.N > share.MaxN || d.N != int64(len(d.Holders)) || d.K != int64(d.Commitments.K()):
		return bad(fmt.Errorf("%d of %d, %d holders, %d commitments", d.K, d.N, len(d.Holders), d.Commitments.K()))
	case toErr != nil || to.String() != d.Recipient:
		return bad(errors.New("no age recipient"))
	case d.WaitHours < 0 || d.WaitHours > maxWait:
		return bad(fmt.Errorf("a wait of %d hours", d.WaitHours))
	case d.Made <= 0 || d.Until <= d.Made || d.Until > d.Made.Add(maxLife):
		return bad(errors.New("good for no time, or for too long"))
	case d.Before != "" && (!isID(d.Before) || d.Before == d.ID):
		return bad(errors.New("in the place of no deal"))
	case len(d.Cards) > maxCards:
		return bad(fmt.Errorf("%d cards", len(d.Cards)))
	}
	if err := d.Commitments.Valid(); err != nil {
		return err
	}
	for _, c := range d.Cards {
		if !personForm.MatchString(c.ID) || !keyForm.MatchString(c.Key) {
			return bad(errors.New("a card without an id or key"))
		}
	}
	return d.checkHolders()
}

func (d Deal) checkHolders() error {
	seen := map[string]bool{}
	for i, h := range d.Holders {
		one := h.Member == "" && personForm.MatchString(h.Person) || h.Person == "" && h.Member.Valid() && h.Member != d.Owner
		if h.Number != int64(i+1) || !one || seen[h.Who()] {
			return bad(fmt.Errorf("holder %d is nobody, or somebody twice", i+1))
		}
		seen[h.Who()] = true
	}
	return nil
}

func isID(id share.ID) bool {
	_, err := share.ParseID(string(id))
	return err == nil
}

func bad(err error) error { return core.Invalid("custody.deal.bad", err) }

// Signed is a deal with its signature, which read has not verified.
type Signed struct {
	Deal
	Document seal.Envelope
}

// sign makes the document.
func sign(d Deal, by seal.Signer) (Signed, error) {
	d.V, d.Owner = 1, by.ID()
	if err := d.check(); err != nil {
		return Signed{}, err
	}
	payload, err := wire.Encode(d)
	if err != nil {
		return Signed{}, err
	}
	env, err := seal.SignDoc(Type, payload, by)
	return Signed{d, env}, err
}

// Read reads a deal without verifying its signature: strictly, at most 48 KiB. Returns
// CodeInvalid.
func Read(env seal.Envelope) (s Signed, err error) {
	s.Document = env
	if err := readDocument(env, Type, &s.Deal); err != nil {
		return s, err
	}
	return s, s.check()
}

// readDocument reads the payload of a document into v.
func readDocument(env seal.Envelope, typ string, v any) error {
	if env.PayloadType != typ {
		return bad(fmt.Errorf("type %.80q", env.PayloadType))
	}
	payload, err := env.Unverified()
	if err != nil {
		return err
	}
	if len(payload) > maxDocument {
		return bad(fmt.Errorf("%d bytes", len(payload)))
	}
	return wire.Decode(payload, v)
}
