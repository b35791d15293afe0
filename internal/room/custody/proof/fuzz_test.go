package proof

import (
	"testing"

	"entrechat/internal/room/custody/share"
)

// FuzzParse: whatever is brought, what is read as a proof is one.
func FuzzParse(f *testing.F) {
	f.Add(`{"v":1,"deal":"00112233445566778899aabbccddeeff","number":1,"holder":"chaton-b.test","period":"2026-11","head":{"index":3,"hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},"lost":true,"at_us":1}`)
	f.Add(`{"v":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse([]byte(text))
		if err != nil {
			return
		}
		if p.Lost == (p.Proof != nil) || p.Number < 1 || p.Number > share.MaxN || p.Head.bytes() == nil {
			t.Errorf("read as a proof: %s", text)
		}
		p.context()
	})
}

// FuzzAnswer: a challenge comes from somebody else's machine.
func FuzzAnswer(f *testing.F) {
	id, _ := share.NewID()
	secret, _ := share.New()
	shares, _, err := secret.Split(id, 2, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"v":1,"deal":"`+string(id)+`","number":1,"holder":"0a","period":"2026-11","head":{"index":3,"hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},"commitments":["AA==","AA=="]}`, shares[0].Text())
	f.Fuzz(func(t *testing.T, challenge, text string) {
		one, err := Answer([]byte(challenge), text, 1)
		if err == nil && one.Proof == nil {
			t.Error("an answer without a proof")
		}
	})
}
