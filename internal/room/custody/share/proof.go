package share

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/zk/dl"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Proof shows that somebody holds a share without giving it away: Schnorr's proof
// (RFC 8235), the point V and the scalar R, both canonical. In JSON the base64 of
// its 64 bytes.
// spec: docs/spec/custody.md#proof
type Proof [64]byte

// MarshalText writes standard base64.
func (p Proof) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(p[:])), nil
}

// UnmarshalText reads standard base64 of exactly 64 bytes. Returns CodeInvalid.
func (p *Proof) UnmarshalText(text []byte) error {
	b, err := wire.Base64(string(text))
	if err != nil || len(b) != len(p) {
		return core.Invalid("custody.share.bad_proof", errors.New("not the 64 bytes of a proof"))
	}
	*p = Proof(b)
	return nil
}

// proofLabel begins what a proof is bound to.
const proofLabel = "entrechat/custody-proof/1"

// ProofContext binds a proof to a deal, a holder (a member's origin or a person's
// id), a period ("2026-11") and the leaf hash of an entry of the owner's logbook, so
// that it is of no use for another, and cannot be made before that head was.
// spec: docs/spec/custody.md#proof
func ProofContext(deal ID, holder, period string, head []byte) [32]byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(proofLabel), []byte(deal), []byte(holder), []byte(period), head} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}

// Prove makes a proof for the share, which must hold against c. Returns what Verify
// returns.
func (s Share) Prove(c Commitments, context [32]byte) (Proof, error) {
	points, err := c.points()
	if err != nil {
		return Proof{}, err
	}
	if err := verify(points, s); err != nil {
		return Proof{}, err
	}
	value, err := toScalar(s.value)
	if err != nil {
		return Proof{}, err
	}
	public := publicOf(points, s.Number)
	if public.IsIdentity() {
		return Proof{}, badShare(s, "custody.share.damaged", errors.New("its value is zero"))
	}
	made := dl.Prove(curve(), curve().Generator(), public, value, nil, context[:], rand.Reader)
	var p Proof
	copy(p[:32], fromElement(made.V))
	r := fromScalar(made.R)
	copy(p[32:], r[:])
	return p, nil
}

// Check says whether the proof shows that somebody holds share number of the deal,
// in this context. Returns CodeInvalid for commitments or a proof that are none,
// CodeDenied "custody.share.false_proof" for one that does not hold.
func (c Commitments) Check(number int, p Proof, context [32]byte) error {
	points, err := c.points()
	if err != nil {
		return err
	}
	if number < 1 || number > MaxN {
		return core.Invalid("custody.share.bad_proof", errors.New("a share's number is out of bounds"))
	}
	v, err := toElement(p[:32])
	if err != nil {
		return core.Invalid("custody.share.bad_proof", err)
	}
	r, err := toScalar([32]byte(p[32:]))
	if err != nil {
		return core.Invalid("custody.share.bad_proof", err)
	}
	public := publicOf(points, number)
	if public.IsIdentity() || !dl.Verify(curve(), curve().Generator(), public, dl.Proof{V: v, R: r}, nil, context[:]) {
		return core.Denied("custody.share.false_proof", errors.New("the proof does not hold")).With("Number", number)
	}
	return nil
}

// publicOf is the generator times the value of share number, computed from the
// commitments alone.
func publicOf(points []group.Element, number int) group.Element {
	at := numberScalar(number)
	sum := points[len(points)-1].Copy()
	for i := len(points) - 2; i >= 0; i-- {
		sum.Mul(sum, at)
		sum.Add(sum, points[i])
	}
	return sum
}
