package share

import (
	"errors"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"entrechat/internal/core"
)

// maxGiven bounds how many shares one recovery looks at, doubles included.
const maxGiven = 4 * MaxN

// Sort parts shares into those that hold, each number once, and the ones that must
// not be used. Returns CodeInvalid for commitments that are none.
func Sort(c Commitments, shares []Share) (good []Share, bad []*BadShareError, err error) {
	points, err := c.points()
	if err != nil {
		return nil, nil, err
	}
	if len(shares) > maxGiven {
		return nil, nil, core.Invalid("custody.share.too_many", fmt.Errorf("%d shares", len(shares))).With("Max", maxGiven)
	}
	have := map[int]bool{}
	var wrong []Share
	for _, s := range shares {
		err := verify(points, s)
		if b, ok := errors.AsType[*BadShareError](err); ok {
			bad, wrong = append(bad, b), append(wrong, s)
		} else if !have[s.Number] {
			have[s.Number] = true
			good = append(good, s)
		}
	}
	for i, s := range wrong {
		if len(good) > 0 && s.check() == nil && s.Deal != good[0].Deal {
			bad[i] = badShare(s, "custody.share.other_deal", errors.New("it says it is of another deal"))
		}
	}
	return good, bad, nil
}

// Recover gives the secret back from k shares or more. Every share is checked first:
// one that does not hold is a *BadShareError, whatever the others are; leave it out and
// call again. Doubles count once. Returns CodeNotFound "custody.share.too_few" with
// Have and K. What it returns without an error is the secret that was split.
func Recover(c Commitments, shares []Share) (Secret, error) {
	good, bad, err := Sort(c, shares)
	if err != nil {
		return Secret{}, err
	}
	if len(bad) > 0 {
		return Secret{}, bad[0]
	}
	if len(good) < c.K() {
		return Secret{}, core.NotFound("custody.share.too_few", fmt.Errorf("%d shares of %d", len(good), c.K())).
			With("Have", len(good)).With("K", c.K())
	}
	return combine(c, good[:c.K()])
}

// combine interpolates k shares that hold, of k numbers.
func combine(c Commitments, shares []Share) (Secret, error) {
	made := make([]secretsharing.Share, len(shares))
	for i, s := range shares {
		value, err := toScalar(s.value)
		if err != nil {
			return Secret{}, err
		}
		made[i] = secretsharing.Share{ID: numberScalar(s.Number), Value: value}
	}
	secret, err := secretsharing.Recover(uint(len(shares)-1), made)
	if err != nil {
		return Secret{}, fmt.Errorf("put shares together: %w", err)
	}
	first, err := toElement(c[0])
	if err != nil || !commitment(secret).IsEqual(first) {
		return Secret{}, errors.New("shares that hold gave another secret: a mistake of the program")
	}
	return Secret{value: fromScalar(secret)}, nil
}

func commitment(s group.Scalar) group.Element { return curve().NewElement().MulGen(s) }
