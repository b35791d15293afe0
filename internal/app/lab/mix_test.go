package lab

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMixIsRepeatableAndDifferencesAreSeen(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := WriteMix(dir, 8_000_000, 7); err != nil {
			t.Fatal(err)
		}
	}
	ta, err := ReadTree(a)
	if err != nil {
		t.Fatal(err)
	}
	tb, err := ReadTree(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := ta.Differences(tb); len(d) != 0 || len(ta) < 20 {
		t.Fatalf("two mixes of one seed differ (%d paths): %v", len(ta), d)
	}
	secret := filepath.Join(b, "odd", "secret.key")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b, "odd", "lien")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b, "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if tb, err = ReadTree(b); err != nil {
		t.Fatal(err)
	}
	if d := ta.Differences(tb); len(d) != 3 {
		t.Fatalf("want a changed, a missing and a new path, got %v", d)
	}
}
