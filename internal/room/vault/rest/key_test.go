package rest

import (
	"bytes"
	"os"
	"testing"
)

// The key files are restic's own, of the oldest and the newest version we work with.
func TestKeyOpens(t *testing.T) {
	for _, version := range []string{"0.14.0", "0.19.1"} {
		file, err := os.ReadFile("testdata/key-" + version + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]bool{"correct horse " + version: true, "correct horse": false, "": false} {
			if opens, err := KeyOpens(file, password); err != nil || opens != want {
				t.Errorf("%s: %q opens: %v %v", version, password, opens, err)
			}
		}
		flipped := bytes.Replace(file, []byte(`"data":"`), []byte(`"data":"AAAA`), 1)
		if opens, err := KeyOpens(flipped, "correct horse "+version); err != nil || opens {
			t.Errorf("%s: other data opens: %v %v", version, opens, err)
		}
	}
}

func TestKeyFilesThatAreNone(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"kdf":"argon2id","N":32768,"r":8,"p":1}`,
		`{"kdf":"scrypt","N":32768,"r":8,"p":1,"salt":"AAAA","data":"AAAA"}`,
		`{"kdf":"scrypt","N":1073741824,"r":8,"p":1,"salt":"AAAA","data":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"kdf":"scrypt","N":32768,"r":8,"p":1000000,"salt":"AAAA","data":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"kdf":"scrypt","N":3,"r":8,"p":1,"salt":"AAAA","data":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
	} {
		if opens, err := KeyOpens([]byte(text), "x"); err == nil || opens {
			t.Errorf("%s: %v %v", text, opens, err)
		}
	}
}
