package person

import (
	"errors"
	"strings"

	"entrechat/internal/core"
)

// maxHandle is the longest handle of a person of ours, in characters. Mastodon cuts at 30.
const maxHandle = 30

// ParseHandle reads a handle that a person of ours chose: 2 to 30 of a-z, 0-9, `.`, `_` and
// `-`, a letter first, a letter or digit last, never two signs in a row. Upper case is
// taken as lower case. Look-alikes of other scripts cannot be written.
//
// What follows its last dot has no `-`: that shape is how a visitor is called
// (VisitorHandle). Names of offices (root, postmaster...) are not given. Returns
// CodeInvalid "identity.person.handle", CodeConflict "identity.person.handle_reserved".
func ParseHandle(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if err := shaped(s); err != nil || len(s) > maxHandle {
		return "", core.Invalid("identity.person.handle", errors.New("not the form of a handle"))
	}
	if last := s[strings.LastIndexByte(s, '.')+1:]; last != s && strings.Contains(last, "-") {
		return "", core.Invalid("identity.person.handle", errors.New("the form of a visitor's handle"))
	}
	if reserved(s) {
		return "", core.Conflict("identity.person.handle_reserved", errors.New("the name of an office"))
	}
	return s, nil
}

// shaped refuses what no handle may look like, a visitor's neither.
func shaped(s string) error {
	if len(s) < 2 {
		return errors.New("too short")
	}
	sign := true // the first must be a letter
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && i > 0:
			sign = false
		case strings.ContainsRune("._-", r) && !sign:
			sign = true
		default:
			return errors.New("a sign that no handle has there")
		}
	}
	if sign {
		return errors.New("ends in a sign")
	}
	return nil
}

// VisitorHandle is what a person of another member is called here: `alice` of `a.example`
// is `alice.a-example`. Returns CodeInvalid "identity.person.handle" for a handle no home
// may give.
func VisitorHandle(handle string, home core.MemberID) (string, error) {
	handle = strings.ToLower(handle)
	if err := shaped(handle); err != nil || len(handle) > maxHandle || !home.Valid() {
		return "", core.Invalid("identity.person.handle", errors.New("not the form of a handle"))
	}
	return handle + "." + strings.NewReplacer(".", "-", ":", "-").Replace(string(home)), nil
}

// reserved are names that mail, the web or people take for an office: RFC 2142, RFC 6749
// practice of mail hosts, and ours.
func reserved(handle string) bool {
	switch handle {
	case "abuse", "admin", "administrateur", "administrator", "billing", "contact", "dmarc",
		"entrechat", "everyone", "help", "hostmaster", "info", "legal", "list", "mailer-daemon",
		"moderator", "noc", "no-reply", "nobody", "noreply", "owner", "postmaster", "press",
		"privacy", "root", "security", "staff", "support", "sysadmin", "system", "team", "test",
		"tout", "webmaster", "www":
		return true
	}
	return false
}
