package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// Bech32 writes data as BIP 173 text in lower case. age exports no way from bytes
// to an X25519 identity but this text. Returns an error when the prefix or data
// is empty.
// spec: docs/spec/keys.md#recovery-identity
func Bech32(prefix string, data []byte) (string, error) {
	if prefix == "" || len(data) == 0 {
		return "", errors.New("bech32 wants a prefix and data")
	}
	prefix = strings.ToLower(prefix)
	values := regroup(data)
	var out strings.Builder
	out.WriteString(prefix + "1")
	for _, v := range append(values, bech32Checksum(prefix, values)...) {
		out.WriteByte(bech32Alphabet[v])
	}
	return out.String(), nil
}

// Bech32Error says what is wrong with a Bech32 text; it never holds the text.
type Bech32Error struct {
	// Foreign: it begins with another prefix, or is far too short to be one.
	Foreign bool
	// Place is the sign to look at again, from 1; 0 when that cannot be told.
	Place int
}

func (e *Bech32Error) Error() string {
	switch {
	case e.Foreign:
		return "bech32: another prefix, or too short"
	case e.Place > 0:
		return fmt.Sprintf("bech32: look at sign %d", e.Place)
	}
	return "bech32: the checksum does not match"
}

// ParseBech32 reads what Bech32 wrote, all in lower case or all in upper case; the
// caller bounds the text. Returns a *Bech32Error. Its Place is a sign outside the
// alphabet, or the only one that alone could make the checksum right: people are
// to look at it again, programs must not mend it.
func ParseBech32(prefix, text string) ([]byte, error) {
	prefix = strings.ToLower(prefix)
	lower := strings.ToLower(text)
	if text != lower && text != strings.ToUpper(text) {
		return nil, &Bech32Error{}
	}
	rest, ok := strings.CutPrefix(lower, prefix+"1")
	if !ok || len(rest) <= bech32Sum {
		return nil, &Bech32Error{Foreign: true}
	}
	before := len(lower) - len(rest)
	values := make([]byte, len(rest))
	for i := range len(rest) {
		v := strings.IndexByte(bech32Alphabet, rest[i])
		if v < 0 {
			return nil, &Bech32Error{Place: before + i + 1}
		}
		values[i] = byte(v) //nolint:gosec // an index into 32 signs
	}
	if !bech32Holds(prefix, values) {
		return nil, &Bech32Error{Place: bech32Mistake(prefix, values, before)}
	}
	return ungroup(values[:len(values)-bech32Sum])
}

// bech32Sum is the length of the checksum, in signs.
const bech32Sum = 6

// bech32Holds says whether values, checksum included, are sound.
func bech32Holds(prefix string, values []byte) bool {
	body := len(values) - bech32Sum
	return bytes.Equal(bech32Checksum(prefix, values[:body]), values[body:])
}

// bech32Mistake is the place of the only sign that, another, would make the checksum
// right; 0 when there is none or more than one, or the text is longer than people
// type. before is how many signs stand before the values.
func bech32Mistake(prefix string, values []byte, before int) int {
	found := 0
	if len(values) > 128 {
		return found
	}
	for i, was := range values {
		for v := range byte(32) {
			values[i] = v
			if v == was || !bech32Holds(prefix, values) {
				continue
			}
			if found > 0 {
				values[i] = was
				return 0
			}
			found = before + i + 1
		}
		values[i] = was
	}
	return found
}

// ungroup turns groups of five bits back into bytes; the padding must be zeros and
// shorter than a group.
func ungroup(values []byte) ([]byte, error) {
	out := make([]byte, 0, len(values)*5/8)
	var buffer uint32
	var bits uint
	for _, v := range values {
		buffer, bits = buffer<<5|uint32(v), bits+5
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(buffer>>bits&0xff))
			buffer &= 1<<bits - 1
		}
	}
	if bits >= 5 || buffer != 0 {
		return nil, &Bech32Error{}
	}
	return out, nil
}

// regroup turns bytes into groups of five bits, padded with zeros.
func regroup(data []byte) []byte {
	var out []byte
	var buffer uint32
	var bits uint
	for _, b := range data {
		buffer, bits = buffer<<8|uint32(b), bits+8
		for bits >= 5 {
			bits -= 5
			out = append(out, byte(buffer>>bits&31))
		}
	}
	if bits > 0 {
		out = append(out, byte(buffer<<(5-bits)&31))
	}
	return out
}

func bech32Checksum(prefix string, values []byte) []byte {
	expanded := make([]byte, 0, 2*len(prefix)+1+len(values)+6)
	for i := range len(prefix) {
		expanded = append(expanded, prefix[i]>>5)
	}
	expanded = append(expanded, 0)
	for i := range len(prefix) {
		expanded = append(expanded, prefix[i]&31)
	}
	expanded = append(expanded, values...)
	mod := bech32Polymod(append(expanded, 0, 0, 0, 0, 0, 0)) ^ 1
	sum := make([]byte, 6)
	for i := range sum {
		sum[i] = byte(mod >> (5 * (5 - i)) & 31)
	}
	return sum
}

func bech32Polymod(values []byte) uint32 {
	chk := uint32(1)
	for _, v := range values {
		top := chk >> 25
		chk = chk&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				chk ^= g
			}
		}
	}
	return chk
}
