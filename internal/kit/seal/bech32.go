package seal

import (
	"errors"
	"strings"
)

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 writes data as BIP 173 text, upper case as age writes identities. age
// exports no way from bytes to an X25519 identity but this text.
// spec: docs/spec/keys.md#recovery-identity
func bech32(upperPrefix string, data []byte) (string, error) {
	prefix := strings.ToLower(upperPrefix)
	if prefix == "" || len(data) == 0 {
		return "", errors.New("bech32 wants a prefix and data")
	}
	values := regroup(data)
	var out strings.Builder
	out.WriteString(prefix + "1")
	for _, v := range append(values, bech32Checksum(prefix, values)...) {
		out.WriteByte(bech32Alphabet[v])
	}
	return strings.ToUpper(out.String()), nil
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
