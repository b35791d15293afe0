package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/share"
)

// Type is the payload type of a proof.
// spec: docs/spec/custody.md#proof-document
const Type = "application/vnd.entrechat.custody-proof.v1+json"

// fresh is how old a head may be.
const fresh = 7 * 24 * time.Hour

const maxDocument = 4 << 10 // bytes

// Head is an entry of the owner's logbook: its index and its leaf hash.
type Head struct {
	Index int64  `json:"index"`
	Hash  string `json:"hash"` // base64 of 32 bytes
}

func headOf(e logbook.Entry) Head {
	return Head{e.Index, base64.StdEncoding.EncodeToString(e.Hash[:])}
}

// bytes are the leaf hash; nil for what is none.
func (h Head) bytes() []byte {
	b, err := wire.Base64(h.Hash)
	if err != nil || len(b) != 32 || h.Index < 0 {
		return nil
	}
	return b
}

// Proof is a holder's word that it holds a share, or that it lost it. The zero value is none.
type Proof struct {
	V      int64        `json:"v"` // 1
	Deal   share.ID     `json:"deal"`
	Number int64        `json:"number"`
	Holder string       `json:"holder"` // a member's origin, or the opaque id of a person
	Period string       `json:"period"` // "2026-11"
	Head   Head         `json:"head"`
	Proof  *share.Proof `json:"proof,omitempty"`
	// Lost: the holder has no share that holds any more. Then there is no proof.
	Lost bool        `json:"lost,omitempty"`
	At   core.Moment `json:"at_us"`
}

var (
	periodForm = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])$`)
	holderForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,260}$`)
)

// PeriodOf is the month of a moment.
func PeriodOf(at core.Moment) string { return at.Time().Format("2006-01") }

// months counts the months from one period to another; 0 for the same, below for an earlier.
func months(from, to string) int {
	a, errA := time.Parse("2006-01", from)
	b, errB := time.Parse("2006-01", to)
	if errA != nil || errB != nil {
		return 0
	}
	return (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
}

func (p Proof) check() error {
	_, err := share.ParseID(string(p.Deal))
	if p.V != 1 || err != nil || p.Number < 1 || p.Number > share.MaxN || !holderForm.MatchString(p.Holder) || !periodForm.MatchString(p.Period) ||
		p.Head.bytes() == nil || p.At <= 0 || p.Lost == (p.Proof != nil) {
		return bad(errors.New("no proof of a share"))
	}
	return nil
}

func bad(err error) error { return core.Invalid("custody.proof.bad", err) }

// sign makes the document that a member's node sends.
func sign(p Proof, by seal.Signer) (seal.Envelope, error) {
	if err := p.check(); err != nil {
		return seal.Envelope{}, err
	}
	payload, err := wire.Encode(p)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.SignDoc(Type, payload, by)
}

// read reads a proof without verifying its signature. Returns CodeInvalid.
func read(env seal.Envelope) (p Proof, err error) {
	if env.PayloadType != Type {
		return p, bad(fmt.Errorf("type %.80q", env.PayloadType))
	}
	payload, err := env.Unverified()
	if err != nil {
		return p, err
	}
	return parse(payload)
}

// parse reads a proof as text. Returns CodeInvalid.
func parse(text []byte) (p Proof, err error) {
	if len(text) > maxDocument {
		return p, bad(fmt.Errorf("%d bytes", len(text)))
	}
	if err := wire.Decode(text, &p); err != nil {
		return p, err
	}
	return p, p.check()
}

// of says whether a proof speaks of a deal, and of one of its holders. Returns CodeDenied, each
// reason with its own sentence.
func (p Proof) of(d deal.Deal, period string) error {
	h, ok := d.Holder(p.Number)
	switch {
	case p.Deal != d.ID:
		return core.Denied("custody.proof.other_deal", errors.New("of another deal"))
	case !ok || h.Who() != p.Holder:
		return core.Denied("custody.proof.other_holder", errors.New("of another holder"))
	case p.Period != period:
		return core.Denied("custody.proof.other_period", fmt.Errorf("for %s in %s", p.Period, period)).With("Period", p.Period)
	}
	return nil
}

// context is what the proof is bound to.
func (p Proof) context() [32]byte {
	return share.ProofContext(p.Deal, p.Holder, p.Period, p.Head.bytes())
}

// Verdict is what a proof shows.
type Verdict string

// The verdicts.
const (
	Good  Verdict = "good"
	False Verdict = "false" // it does not hold: the share is another, or none
	Lost  Verdict = "lost"  // the holder says so
)

// verdict is what a proof of a deal shows, once it is of this deal and its head is fresh.
func (p Proof) verdict(d deal.Deal) Verdict {
	if p.Lost {
		return Lost
	}
	if d.Commitments.Check(int(p.Number), *p.Proof, p.context()) != nil {
		return False
	}
	return Good
}
