package share

import (
	"bytes"
	"errors"

	"github.com/cloudflare/circl/group"
)

// curve is the group of all sharing here.
func curve() group.Group { return group.Ristretto255 }

// toScalar reads 32 bytes, little endian and smaller than the group's order.
func toScalar(b [32]byte) (group.Scalar, error) {
	s := curve().NewScalar()
	if err := s.UnmarshalBinary(b[:]); err != nil {
		return nil, errors.New("not a canonical scalar")
	}
	return s, nil
}

// fromScalar writes the 32 bytes that toScalar reads.
func fromScalar(s group.Scalar) [32]byte {
	b, err := s.MarshalBinary()
	if err != nil || len(b) != 32 {
		panic("ristretto255 writes every scalar as 32 bytes")
	}
	return [32]byte(b)
}

// toElement reads the one encoding (RFC 9496) of an element other than the
// identity.
func toElement(b []byte) (group.Element, error) {
	e := curve().NewElement()
	if len(b) != 32 || e.UnmarshalBinary(b) != nil {
		return nil, errors.New("not a point of ristretto255")
	}
	if !bytes.Equal(fromElement(e), b) {
		return nil, errors.New("not the canonical encoding of a point")
	}
	if e.IsIdentity() {
		return nil, errors.New("the identity element")
	}
	return e, nil
}

func fromElement(e group.Element) []byte {
	b, err := e.MarshalBinary()
	if err != nil {
		panic("ristretto255 writes every element: " + err.Error())
	}
	return b
}

// numberScalar is the place of the polynomial where a share's value is taken.
func numberScalar(number int) group.Scalar { return curve().NewScalar().SetUint64(uint64(number)) } //nolint:gosec // 1 to 255, checked before
