package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/room/identity/home"
)

// FuzzOpen: nothing but what the home's key signed is read.
func FuzzOpen(f *testing.F) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	k := jose.JSONWebKey{Key: private, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	from := home.Home{Card: home.Card{Issuer: "https://chaton-a.test", Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.Public()}}}}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"iss":"https://chaton-a.test","aud":["b.test"],"exp":1}`))
	f.Add([]byte(`{"aud":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, key := range []jose.JSONWebKey{k, {Key: stranger, KeyID: "k1", Algorithm: "ES256"}} {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign(body)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			c, err := open(raw, "", from)
			if err == nil && key.Key != any(private) {
				t.Errorf("a stranger's words: %+v", c)
			}
		}
		if _, err := open(string(body), "", from); err == nil {
			t.Error("text without a signature")
		}
	})
}
