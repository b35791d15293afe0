package share

import "testing"

// The vector of docs/spec/custody.md#box-identity.
func TestRecipientOfOne(t *testing.T) {
	one := Secret{value: [32]byte{1}}
	recipient, err := one.Recipient("00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	if want := "age1a3k92x68r5aa3e5sj4ul7l2c95twpu4ya234tpwx62hmrk7wjy6s29u7t6"; recipient.String() != want {
		t.Errorf("recipient %s, want %s", recipient, want)
	}
}
