package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

func TestBox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.key")
	box, err := seal.OpenBox(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.OpenBox(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := box.Seal("totp/alice", []byte("secret"))
	if got, err := again.Open("totp/alice", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, box.Seal("totp/alice", []byte("secret"))) {
		t.Error("sealed twice alike, or not at all")
	}
	if _, err := box.Open("totp/bob", sealed); core.CodeOf(err) != core.CodeInvalid {
		t.Error("another label opens it:", err)
	}
	for i := range sealed {
		broken := bytes.Clone(sealed)
		broken[i] ^= 1
		if _, err := box.Open("totp/alice", broken); err == nil {
			t.Errorf("a change of byte %d is not seen", i)
		}
	}
	for n := range sealed {
		if _, err := box.Open("totp/alice", sealed[:n]); err == nil {
			t.Errorf("%d bytes of it open", n)
		}
	}
	if _, err := seal.NewBox([32]byte{1}).Open("totp/alice", sealed); core.CodeOf(err) != core.CodeNotFound {
		t.Error("another key:", err)
	}
	if bytes.Equal(box.Key("a"), box.Key("b")) || !bytes.Equal(box.Key("a"), again.Key("a")) {
		t.Error("keys of labels")
	}
	if s := fmt.Sprintf("%v %+v %#v", box, box, box); s != "a box key a box key a box key" {
		t.Error("printed:", s)
	}
}

func TestBoxFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "foreign": "hello", "short": "entrechat box key 1\nAAAA\n", "headless": strings.Repeat("A", 43) + "=\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.OpenBox(path); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("entrechat box key 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenBox(open); core.CodeOf(err) != core.CodeDenied {
		t.Error("others may read the key:", err)
	}
	if _, err := seal.OpenBox(filepath.Join(dir, "no", "folder")); err == nil {
		t.Error("no folder")
	}
}
