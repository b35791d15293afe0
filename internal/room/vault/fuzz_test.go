package vault

import (
	"encoding/base64"
	"testing"

	"entrechat/internal/room/vault/keyring"
)

// FuzzToken: a token is 32 bytes in one spelling.
func FuzzToken(f *testing.F) {
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	f.Add("")
	f.Add("====")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := keyring.ParseToken(text)
		if err == nil && base64.RawURLEncoding.EncodeToString(got[:]) != text {
			t.Fatalf("%q is read as another token", text)
		}
	})
}
