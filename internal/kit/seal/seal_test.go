package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

func TestSeedWordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s seal.Seed
		copy(s[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		back, err := seal.ParseSeed("  " + strings.ToUpper(s.Words()) + "\n")
		if err != nil || back != s {
			t.Fatal(err)
		}
		if len(strings.Split(seal.Fingerprint(s.Root()), "-")) != 6 {
			t.Fatal(seal.Fingerprint(s.Root()))
		}
	})
}

// Fixed for ever: these words, as they stand on kits that were printed, must give these
// keys in every version.
func TestSeedVector(t *testing.T) {
	for _, kit := range []struct{ words, root, recovery, fingerprint string }{
		{
			strings.Repeat("abandon ", 23) + "art", "h8fmUZwIKW8-foyanjxV6wQ_XByPykOTFeGJlnMrSXI",
			"age1k94sj2p75tf6wyc4g2r4sm39urrnluqumv74a0zv28aaxlzzh95sftyzfs", "couple-cinnamon-ten-envelope-critic-double",
		},
		{
			"clutch control vehicle tonight unusual clog visa ice plunge glimpse recipe series open hour vintage deposit universe tip job dress radar refuse motion taste",
			"zIlJe0BSVE-0QuNj8MT7tilGSbJTWZzMYevoYld0SwY",
			"age1v84v9pu4n3gx6j6zvnxs3uyghy3wu7y25pndgvwq5p3x839c3y8s95d0ny", "crush-close-hollow-fine-broom-distance",
		},
	} {
		s, err := seal.ParseSeed(kit.words)
		if err != nil {
			t.Fatal(err)
		}
		if s.Words() != kit.words {
			t.Errorf("words %q", s.Words())
		}
		if got := s.Root().String(); got != kit.root {
			t.Errorf("root key %s", got)
		}
		if got := seal.Fingerprint(s.Root()); got != kit.fingerprint {
			t.Errorf("fingerprint %s", got)
		}
		id, err := s.RecoveryIdentity()
		if err != nil {
			t.Fatal(err)
		}
		if got := id.Recipient().String(); got != kit.recovery {
			t.Errorf("recovery recipient %s", got)
		}
	}
}

func TestSeedMistakes(t *testing.T) {
	for name, text := range map[string]string{
		"too few":  "abandon art",
		"unknown":  strings.Repeat("abandon ", 22) + "chaton art",
		"checksum": strings.Repeat("abandon ", 24),
	} {
		if _, err := seal.ParseSeed(text); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The age command must read what the recovery identity is for.
func TestRecoveryIdentityWithAgeCommand(t *testing.T) {
	s, err := seal.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.RecoveryIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(id.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "bonjour"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "age", "-d", "-i", key)
	cmd.Stdin = &sealed
	out, err := cmd.Output()
	if err != nil || string(out) != "bonjour" {
		t.Fatalf("%q, %v (apt-get install age)", out, err)
	}
}

func newSigner(t *testing.T, id core.MemberID) seal.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewSigner(id, key)
}

func TestDocumentOfTwoParties(t *testing.T) {
	a, b, evil := newSigner(t, "a.test"), newSigner(t, "b.test"), newSigner(t, "b.test")
	keys := map[core.MemberID][]ed25519.PublicKey{"a.test": {a.Public()}, "b.test": {b.Public()}}
	doc, err := seal.SignDoc("entrechat/pact/1", []byte(`{"x":1}`), a)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := doc.AddSignature(b); err != nil {
			t.Fatal(err)
		}
	}
	text, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = seal.DecodeEnvelope(text); err != nil {
		t.Fatal(err)
	}
	payload, who, err := doc.Verify("entrechat/pact/1", keys)
	if err != nil || len(who) != 2 || string(payload) != `{"x":1}` {
		t.Fatal(payload, who, err)
	}
	if _, _, err := doc.Verify("entrechat/charter/1", keys); core.CodeOf(err) != core.CodeInvalid {
		t.Fatalf("another type: %v", err)
	}
	forged := doc
	forged.Payload = "eyJ4IjoyfQ=="
	if _, _, err := forged.Verify("entrechat/pact/1", keys); core.CodeOf(err) != core.CodeDenied {
		t.Fatalf("changed payload: %v", err)
	}
	doc, err = seal.SignDoc("entrechat/pact/1", []byte(`{"x":1}`), evil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := doc.Verify("entrechat/pact/1", keys); core.CodeOf(err) != core.CodeDenied {
		t.Fatalf("foreign key under b's name: %v", err)
	}
}

func TestSecretsAreNeverOverwrittenNorReadWhenOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.key")
	key, err := seal.NewKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	back, err := seal.ReadKeyFile(path)
	if err != nil || !back.Equal(key) {
		t.Fatal(err)
	}
	if err := seal.WriteSecret(path, nil); core.CodeOf(err) != core.CodeConflict {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ReadKeyFile(path); core.CodeOf(err) != core.CodeDenied {
		t.Fatal(err)
	}
	if _, err := seal.ReadKeyFile(path + ".none"); core.CodeOf(err) != core.CodeNotFound {
		t.Fatal(err)
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add([]byte(`{"payloadType":"t","payload":"","signatures":[{"keyid":"a x","sig":""}]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if e, err := seal.DecodeEnvelope(data); err == nil {
			_, _, _ = e.Verify("t", nil)
		}
	})
}

func FuzzParseSeed(f *testing.F) {
	f.Add(strings.Repeat("abandon ", 23) + "art")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = seal.ParseSeed(text) })
}

func TestASecretIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	for _, text := range []string{"first", "second"} {
		if err := seal.ReplaceSecret(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := seal.ReadSecret(path); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := seal.ReplaceSecret(filepath.Join(path, "below a file"), []byte("third")); err == nil {
		t.Error("written below a file")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
