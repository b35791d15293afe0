package address_test

import (
	"strings"
	"testing"

	"entrechat/internal/kit/address"
)

func TestMail(t *testing.T) {
	for typed, want := range map[string]string{
		" Ana@Chaton-A.test ":                "ana@chaton-a.test",
		"ana@café.test":                      "ana@xn--caf-dma.test",
		"Ana <ana@chaton-a.test>":            "",
		"аna@chaton-a.test":                  "", // a Cyrillic a
		"ana@localhost":                      "",
		"ana@chaton-a.test, bob@b.test":      "",
		"\"a b\"@chaton-a.test":              "",
		"ana@chaton-a.test\r\nBcc: x@b.test": "",
		strings.Repeat("a", 250) + "@b.test": "",
		"":                                   "",
	} {
		got, err := address.Mail(typed)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", typed, got, err, want)
		}
	}
}
