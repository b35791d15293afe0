package credential

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"entrechat/internal/core"
)

func asError(err error, to **core.Error) bool { return errors.As(err, to) }

func TestPasswordRules(t *testing.T) {
	own := []string{"alice.martin", "Alice Martin", "alice@chaton-a.test", "chaton-a.test", ""}
	for password, want := range map[string]string{
		"":                              "password_short",
		"123456789":                     "password_short",
		"éééééé":                        "password_short",
		"aaaaaaaaaaaa":                  "password_easy",
		"abcabcabcabc":                  "password_easy",
		"1234567890":                    "password_easy",
		"0987654321":                    "password_easy",
		"azertyuiop":                    "password_easy",
		"QWERTYUIOP":                    "password_easy",
		"password123":                   "password_easy",
		"P@ssw0rd2024!":                 "password_easy",
		"M0tdepasse!":                   "password_easy",
		"motdepassemotdepasse":          "password_easy",
		"bonjour1234":                   "password_easy",
		"12/03/1984":                    "password_easy",
		"alice.martin":                  "password_easy",
		"Alice.Martin1":                 "password_easy",
		"alice martin":                  "password_easy",
		"alice@chaton-a.test":           "password_easy",
		"1q2w3e4r5t6y":                  "password_easy",
		strings.Repeat("ab c", 51):      "password_long",
		"trois vélos verts":             "",
		"correct horse battery staple":  "",
		"kQ7-x2Lm9v":                    "",
		"le chat dort sur le serveur":   "",
		strings.Repeat("é", 9) + "abcd": "",
	} {
		err := CheckPasswordRules(password, own...)
		var e *core.Error
		got := ""
		if asError(err, &e) {
			got = strings.TrimPrefix(e.Key, "identity.credential.")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

func sshaOf(password string) string {
	sum := sha1.Sum([]byte(password + "salt"))
	return base64.StdEncoding.EncodeToString(append(sum[:], "salt"...))
}
