package person

import (
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"

	"entrechat/internal/core"
)

// ParseMail reads an address as it is kept and compared: all lower case, the domain in its
// ASCII form, the local part ASCII only (a look-alike of another script is refused), at
// most 254 characters. Returns CodeInvalid "identity.person.mail".
func ParseMail(s string) (string, error) {
	bad := func(why string) (string, error) { return "", core.Invalid("identity.person.mail", errors.New(why)) }
	s = strings.TrimSpace(s)
	if len(s) > 254 {
		return bad("too long")
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return bad("not one plain address")
	}
	local, domain, _ := cutLast(s, "@")
	if strings.IndexFunc(local, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\,;:<>()[]`, r) }) >= 0 {
		return bad("a sign in its first part that we do not take")
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") {
		return bad("no domain name")
	}
	return strings.ToLower(local) + "@" + strings.ToLower(ascii), nil
}

// MailDomain is the domain of an address that ParseMail wrote.
func MailDomain(address string) string {
	_, domain, _ := cutLast(address, "@")
	return domain
}
