package person

import (
	"errors"
	"net/mail"
	"strings"

	"entrechat/internal/core"
)

// parseMail reads one plain address, or none. Returns CodeInvalid "custody.person.bad_mail".
func parseMail(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(s)
	if err != nil || len(s) > maxMail || a.Address != s || a.Name != "" || strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 {
		return "", core.Invalid("custody.person.bad_mail", errors.New("not one plain address"))
	}
	return s, nil
}
