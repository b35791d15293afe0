package share

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The vector of docs/spec/custody.md#box-identity.
func TestRecipientOfOne(t *testing.T) {
	one := Secret{value: [32]byte{1}}
	recipient, err := one.Recipient("00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	if want := "age1ylzqkmczzf4qr4qenk36kkz02qt96z8a4ygz3vnnk8zlglqzxf5sp7xrll"; recipient.String() != want {
		t.Errorf("recipient %s, want %s", recipient, want)
	}
}

// The vectors of RFC 9496, appendix A: what is a point and what is none.
func TestPoints(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc9496.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Multiples []string `json:"multiples_of_the_generator"`
		NoPoints  []string `json:"no_points"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	sum := curve().Identity()
	for i, want := range vectors.Multiples {
		b, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(fromElement(sum), b) {
			t.Errorf("%d times the generator is %x, want %s", i, fromElement(sum), want)
		}
		if _, err := toElement(b); (err == nil) != (i > 0) { // the identity is refused
			t.Errorf("%d times the generator: %v", i, err)
		}
		sum = curve().NewElement().Add(sum, curve().Generator())
	}
	for _, text := range vectors.NoPoints {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := toElement(b); err == nil {
			t.Errorf("%s is a point", text)
		}
	}
	if len(vectors.Multiples) != 16 || len(vectors.NoPoints) != 29 {
		t.Errorf("%d and %d vectors, the RFC has 16 and 29", len(vectors.Multiples), len(vectors.NoPoints))
	}
}

// A dealer's commitments that are not what they must be never reach the library.
func TestCommitmentsAreStrict(t *testing.T) {
	one := fromElement(curve().Generator())
	for name, c := range map[string]Commitments{
		"none": nil, "one": {one}, "too many": make(Commitments, 65), "short": {one, one[:31]}, "long": {one, append(one[:32:32], 0)},
		"identity": {one, make([]byte, 32)}, "top bit set": {one, append(one[:31:31], one[31]|0x80)}, "nil": {one, nil},
	} {
		if c.Valid() == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := Recover(c, []Share{{Deal: "0011223344556677", K: 2, Number: 1}}); err == nil {
			t.Errorf("%s: recovered", name)
		}
		if c.Check(1, Proof{}, [32]byte{}) == nil {
			t.Errorf("%s: proved", name)
		}
	}
}

// An independent reader in Python, which knows the specification alone, agrees on
// points, shares, commitments, proofs and the box identity; and on what is false.
func TestPythonAgrees(t *testing.T) {
	const id = ID("00112233445566778899aabbccddeeff")
	secret, err := New()
	if err != nil {
		t.Fatal(err)
	}
	shares, c, err := secret.Split(id, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	context := ProofContext(id, "chaton-b.test", "2026-11", bytes.Repeat([]byte{7}, 32))
	proof, err := shares[1].Prove(c, context)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := secret.Identity(id)
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(shares))
	for i, s := range shares {
		texts[i] = s.Text()
	}
	in, err := json.Marshal(map[string]any{
		"deal": id, "holder": "chaton-b.test", "period": "2026-11", "head": bytes.Repeat([]byte{7}, 32),
		"number": 2, "commitments": c, "proof": proof, "shares": texts, "identity": identity.String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/agree.py", "../../../../docs/spec", "testdata/rfc9496.json")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "agreed" {
		t.Errorf("%v\n%s", err, out)
	}
}
