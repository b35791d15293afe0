package share

import (
	"errors"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"entrechat/internal/core"
)

// Commitments are the k points by which a share is checked without the secret:
// 32 bytes each, compressed (RFC 9496), of the polynomial's coefficients in rising
// order. In JSON a list of base64 texts. They are public. The zero value holds no
// share.
type Commitments [][]byte

// points decodes the commitments.
func (c Commitments) points() ([]group.Element, error) {
	if len(c) < MinK || len(c) > MaxN {
		return nil, core.Invalid("custody.share.bad_commitments", fmt.Errorf("%d commitments", len(c)))
	}
	points := make([]group.Element, len(c))
	for i, b := range c {
		p, err := toElement(b)
		if err != nil {
			return nil, core.Invalid("custody.share.bad_commitments", fmt.Errorf("commitment %d: %w", i+1, err))
		}
		points[i] = p
	}
	return points, nil
}

// Valid holds the form of commitments that came from somebody else: 2 to 64 points,
// each canonical and not the identity. Returns CodeInvalid.
func (c Commitments) Valid() error {
	_, err := c.points()
	return err
}

// K is how many shares open the box.
func (c Commitments) K() int { return len(c) }

// Verify says whether the share is the one its number stands for. Returns a
// *BadShareError, or CodeInvalid for commitments that are none. That a share is of this
// deal by its own word is Share.Of.
func (c Commitments) Verify(s Share) error {
	points, err := c.points()
	if err != nil {
		return err
	}
	return verify(points, s)
}

func verify(points []group.Element, s Share) error {
	if err := s.check(); err != nil {
		return badShare(s, "custody.share.damaged", err)
	}
	if s.K != len(points) {
		return badShare(s, "custody.share.other_deal", fmt.Errorf("it wants %d shares, the deal %d", s.K, len(points)))
	}
	value, err := toScalar(s.value)
	if err != nil {
		return badShare(s, "custody.share.damaged", err)
	}
	made := secretsharing.Share{ID: numberScalar(s.Number), Value: value}
	if !secretsharing.Verify(uint(len(points)-1), made, points) {
		return badShare(s, "custody.share.wrong", errors.New("it is not what the deal committed to"))
	}
	return nil
}

// BadShareError names a share that must not be used.
type BadShareError struct {
	Number int    // what it says its number is
	Deal   string // the first 16 signs of the deal it says it is of
	err    *core.Error
}

func (b *BadShareError) Error() string {
	return fmt.Sprintf("share %d of deal %s: %v", b.Number, b.Deal, b.err)
}

// Unwrap gives the core.Error with the sentence for people.
func (b *BadShareError) Unwrap() error { return b.err }

func badShare(s Share, key string, cause error) *BadShareError {
	return &BadShareError{Number: s.Number, Deal: s.Deal, err: core.Invalid(key, cause).With("Number", s.Number)}
}
