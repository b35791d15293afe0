package share

import "testing"

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
