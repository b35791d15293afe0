package share

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudflare/circl/group"
)

// fixed is a deal of 2 of 3, the same in every process of a fuzz run: the line
// 7 + 5x.
func fixed(t testing.TB) (Secret, []Share, Commitments) {
	t.Helper()
	id := ID("00112233445566778899aabbccddeeff")
	number := func(n uint64) group.Scalar { return curve().NewScalar().SetUint64(n) }
	c := Commitments{fromElement(commitment(number(7))), fromElement(commitment(number(5)))}
	shares := make([]Share, 3)
	for i := range shares {
		shares[i] = Share{Deal: id.Short(), K: 2, Number: i + 1, value: fromScalar(number(uint64(7 + 5*(i+1))))}
		if err := c.Verify(shares[i]); err != nil {
			t.Fatal(err)
		}
	}
	return Secret{value: fromScalar(number(7))}, shares, c
}

// fixedProof is a proof for share 1 of fixed, which Prove made once.
const fixedProof = "Pji0EJ5SR1gesKnqMMX00Y2OPs2FmhFtTv4w2Y/iAXuNrjjn8kLPfkB2326QlArQuH0L3+2nCsk6C52tBTq5Aw=="

func FuzzParse(f *testing.F) {
	_, shares, _ := fixed(f)
	for _, s := range []string{"", "ecshare1", shares[0].Text(), strings.ToUpper(shares[1].Text()), "ecshare1" + strings.Repeat("q", 75), "ecshare\u0131" + shares[0].Text()[8:], "\u212a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if s != (Share{}) {
				t.Error("an error, and a share")
			}
			return
		}
		if again, err := Parse(s.Text()); err != nil || again != s {
			t.Errorf("%v came back as %v: %v", s, again, err)
		}
		if joined(text) != s.Text() {
			t.Errorf("another text gives the same share: %q", text)
		}
	})
}

// FuzzRecover reads shares of 35 bytes each: deal, k and number, value.
func FuzzRecover(f *testing.F) {
	secret, shares, c := fixed(f)
	entry := func(s Share) []byte { return append([]byte{0, byte(s.K), byte(s.Number)}, s.value[:]...) }
	f.Add(append(entry(shares[0]), entry(shares[2])...))
	f.Add(append(entry(shares[1]), entry(shares[1])...))
	f.Add(append(entry(shares[1]), entry(Share{K: 2})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var given []Share
		for ; len(data) >= 35; data = data[35:] {
			s := Share{Deal: shares[0].Deal, K: int(int8(data[1])), Number: int(int8(data[2])), value: [32]byte(data[3:35])}
			given = append(given, s)
		}
		got, err := Recover(c, given)
		if err == nil && got != secret || err != nil && got != (Secret{}) {
			t.Error("garbage came out")
		}
		if bad, ok := errors.AsType[*BadShareError](err); ok {
			for _, s := range given {
				if s.Number == bad.Number {
					return
				}
			}
			t.Errorf("%v was not given", bad)
		}
	})
}

// FuzzCheck gives foreign commitments and proofs.
func FuzzCheck(f *testing.F) {
	_, _, c := fixed(f)
	context := ProofContext("00112233445566778899aabbccddeeff", "chaton-b.test", "2026-11", nil)
	var proof Proof
	if err := proof.UnmarshalText([]byte(fixedProof)); err != nil || c.Check(1, proof, context) != nil {
		f.Fatalf("the proof of the test does not hold: %v", err)
	}
	f.Add(append(append([]byte{}, c[0]...), c[1]...), proof[:], 1)
	f.Add(make([]byte, 64), make([]byte, 64), 2)
	f.Fuzz(func(t *testing.T, points, text []byte, number int) {
		var foreign Commitments
		for ; len(points) >= 32; points = points[32:] {
			foreign = append(foreign, points[:32])
		}
		var p Proof
		copy(p[:], text)
		if err := foreign.Check(number, p, context); err == nil && (number != 1 || p != proof) {
			t.Error("a proof nobody made holds")
		}
		if err := foreign.Verify(Share{K: len(foreign), Number: number, value: [32]byte(p[32:])}); err == nil && number == 0 {
			t.Error("share zero holds")
		}
	})
}
