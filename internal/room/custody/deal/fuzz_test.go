package deal

import (
	"crypto/ed25519"
	"testing"

	"filippo.io/age"

	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// FuzzRead: whatever a member sends, what is read as a deal is one.
func FuzzRead(f *testing.F) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	signer := seal.NewSigner(owner, key)
	id, _ := share.NewID()
	secret, _ := share.New()
	_, commitments, _ := secret.Split(id, 2, 3)
	to, _ := secret.Recipient(id)
	d := Deal{
		ID: id, Scope: box.Domain, K: 2, N: 3, Commitments: commitments, Recipient: to.String(), WaitHours: 24, Made: 1, Until: 2,
		Holders: []Holder{{Number: 1, Member: "chaton-b.test"}, {Number: 2, Person: "0a"}, {Number: 3, Member: "chaton-c.test"}},
	}
	good, err := sign(d, signer)
	if err != nil {
		f.Fatal(err)
	}
	payload, err := good.Document.Unverified()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(payload))
	f.Add(`{"v":1,"id":"","holders":[{"number":1}],"commitments":["AA=="]}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		env, err := seal.SignDoc(Type, []byte(text), signer)
		if err != nil {
			return
		}
		s, err := Read(env)
		if err != nil {
			return
		}
		if s.K < 2 || s.K >= s.N || int(s.N) != len(s.Holders) || s.Commitments.Valid() != nil || !s.Scope.Valid() {
			t.Errorf("read as a deal: %s", text)
		}
		if _, err := age.ParseX25519Recipient(s.Recipient); err != nil {
			t.Error(err)
		}
		for i := range s.Holders {
			if h, ok := s.Holder(int64(i + 1)); !ok || h.Who() == "" {
				t.Error("a holder that is nobody")
			}
		}
		if _, err := sign(s.Deal, seal.NewSigner(s.Owner, key)); err != nil {
			t.Error("what was read is not written:", err)
		}
	})
}
