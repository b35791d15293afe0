// Package address reads mail addresses that people type.
package address

import (
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// maxMail is the longest address, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets).
const maxMail = 254

// Mail reads one plain address as it is kept and compared: all lower case, the domain in its
// ASCII form, the local part ASCII only (a look-alike of another script is refused), at most
// 254 bytes. An error says why in English; who asks says it to people.
func Mail(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxMail {
		return "", errors.New("too long")
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return "", errors.New("not one plain address")
	}
	at := strings.LastIndexByte(s, '@')
	local, domain := s[:at], s[at+1:]
	if strings.IndexFunc(local, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\,;:<>()[]`, r) }) >= 0 {
		return "", errors.New("a sign in its first part that we do not take")
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") {
		return "", errors.New("no domain name")
	}
	return strings.ToLower(local + "@" + ascii), nil
}
