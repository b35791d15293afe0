package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// fixed is the signer of the specification's vectors: the all-zero Ed25519 seed.
func fixed() seal.Signer {
	return seal.NewSigner("chaton-a.test", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

// The vector of docs/spec/documents.md: fixed for ever.
func TestDocumentVector(t *testing.T) {
	s := fixed()
	e, err := seal.SignDoc("entrechat/example/1", []byte(`{"hello":"world"}`), s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"payloadType":"entrechat/example/1","payload":"eyJoZWxsbyI6IndvcmxkIn0=","signatures":[` +
		`{"keyid":"chaton-a.test 139e3940e64b5491722088d9a0d74162",` +
		`"sig":"eWyaAIjMSXkx+nPWiA/aU2sk/Wc1ZCsWGmMQQ9t+YZSSOA82ZpH7r7U/uPARYa65O2ujcpKCeDFeo8gYBpztDA=="}]}`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
	// What is signed, written out by hand from the DSSE specification.
	message := []byte(`DSSEv1 19 entrechat/example/1 17 {"hello":"world"}`)
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	if err != nil || !ed25519.Verify(s.Public(), message, sig) {
		t.Errorf("signature is not over %s", message)
	}
}

func TestDocumentsThatNoSignatureSaves(t *testing.T) {
	s := fixed()
	keys := map[core.MemberID][]ed25519.PublicKey{s.ID(): {s.Public(), nil, []byte("short")}}
	good, err := seal.SignDoc("t", []byte("x"), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, who, err := good.Verify("t", keys); err != nil || len(who) != 1 {
		t.Fatal(who, err)
	}
	sig := good.Signatures[0]
	many := make([]seal.Signature, 9)
	for i := range many {
		many[i] = seal.Signature{KeyID: fmt.Sprintf("m%d.test x", i), Sig: sig.Sig}
	}
	for name, c := range map[string]struct {
		change func(e *seal.Envelope)
		want   core.Code
	}{
		"no signature":       {func(e *seal.Envelope) { e.Signatures = nil }, core.CodeInvalid},
		"one key twice":      {func(e *seal.Envelope) { e.Signatures = append(e.Signatures, sig) }, core.CodeInvalid},
		"nine signatures":    {func(e *seal.Envelope) { e.Signatures = many }, core.CodeInvalid},
		"keyid of no member": {func(e *seal.Envelope) { e.Signatures[0].KeyID = "x" }, core.CodeInvalid},
		"another member":     {func(e *seal.Envelope) { e.Signatures[0].KeyID = "b.test " + seal.KeyHash(s.Public()) }, core.CodeDenied},
		"a key of no length": {func(e *seal.Envelope) { e.Signatures[0].KeyID = "chaton-a.test " + seal.KeyHash(nil) }, core.CodeDenied},
		"a key too short": {func(e *seal.Envelope) {
			e.Signatures[0].KeyID = "chaton-a.test " + seal.KeyHash([]byte("short"))
		}, core.CodeDenied},
		"signature cut":       {func(e *seal.Envelope) { e.Signatures[0].Sig = "AAAA" }, core.CodeDenied},
		"signature in lines":  {func(e *seal.Envelope) { e.Signatures[0].Sig = sig.Sig[:10] + "\n" + sig.Sig[10:] }, core.CodeInvalid},
		"payload, stray bits": {func(e *seal.Envelope) { e.Payload = "eB==" }, core.CodeInvalid},
		"payload in URL form": {func(e *seal.Envelope) { e.Payload = "-_-_" }, core.CodeInvalid},
		"type moved into it":  {func(e *seal.Envelope) { e.PayloadType = "t 1 x" }, core.CodeInvalid},
	} {
		e := good
		e.Signatures = []seal.Signature{sig}
		c.change(&e)
		if _, _, err := e.Verify("t", keys); core.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := seal.DecodeEnvelope(bytes.Repeat([]byte(" "), seal.MaxDocument+1)); core.CodeOf(err) != core.CodeInvalid {
		t.Error("an envelope without end")
	}
}

// No change of one bit in an envelope's text keeps it valid and changes what it
// says or who says it.
func TestFlippedBits(t *testing.T) {
	s := fixed()
	keys := map[core.MemberID][]ed25519.PublicKey{s.ID(): {s.Public()}}
	e, err := seal.SignDoc("entrechat/example/1", []byte(`{"hello":"world"}`), s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(text)
		changed[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		e, err := seal.DecodeEnvelope(changed)
		if err != nil {
			return
		}
		if payload, who, err := e.Verify("entrechat/example/1", keys); err == nil {
			t.Fatalf("%s says %s by %v", changed, payload, who)
		}
	})
}

// A secret that is printed by mistake is not in the log.
func TestSecretsDoNotPrint(t *testing.T) {
	seed, err := seal.ParseSeed(strings.Repeat("abandon ", 23) + "art")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("mistake", "seed", seed, "seeds", []seal.Seed{seed}, "signer", fixed())
	fmt.Fprintf(&out, "%v %+v %#v %s", seed, seed, seed, fixed())
	for _, secret := range []string{"0 0 0", "0x0", "abandon"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q in %s", secret, out.String())
		}
	}
}
