package person

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"

	"entrechat/internal/core"
)

const (
	maxName     = 100 // characters
	maxText     = 100 // characters of an account, a household, a service
	maxMail     = 254
	maxContacts = 4 << 10
	maxPeople   = 200
	// remember is how long the name of a person who left is kept, for lists of what has to
	// be changed.
	remember = 365 * 24 * time.Hour
)

// ID names a card: 32 signs of lower-case hex, random, so that it says nothing of anybody.
type ID string

// NewID draws an id.
func NewID() ID {
	var b [16]byte
	rand.Read(b[:])
	return ID(hex.EncodeToString(b[:]))
}

// Card is what custody knows of one of our own admins. It never leaves this node; only its
// ID does.
type Card struct {
	ID        ID
	Name      string // empty once it was forgotten
	Key       string // "ssh-ed25519 AAAA...": what the person signs with
	Encrypt   string // "age1..." or "ssh-ed25519 AAAA...": what is encrypted to the person
	Account   string // handle of the account here; empty = none
	Household string // persons of one household are lost together; empty = alone
	Mail      string // for notices; empty = none
	Made      core.Moment
	Left      core.Moment // 0 = is still here
}

// Here says whether the person has not left.
func (c Card) Here() bool { return c.Left == 0 }

// Place is what the person is lost together with: the household, or the person alone.
func (c Card) Place() string {
	if c.Household == "" {
		return "person/" + string(c.ID)
	}
	return "household/" + c.Household
}

// Recipient is what is encrypted to the person. Returns what ParseRecipient does.
func (c Card) Recipient() (age.Recipient, error) { return ParseRecipient(c.Encrypt) }

// Verify says whether an armoured signature that `ssh-keygen -Y sign -n entrechat-proof`
// wrote is this person's over exactly these bytes. Returns CodeInvalid
// "custody.person.bad_signature", CodeDenied "custody.person.other_signature",
// CodeDenied "custody.person.has_left".
func (c Card) Verify(message []byte, signature string) error {
	if !c.Here() {
		return core.Denied("custody.person.has_left", errors.New("left"))
	}
	return verify(c.Key, message, signature)
}

// New is what somebody types to make a card.
type New struct {
	Name      string
	Key       string // a public key, as ssh-keygen writes it
	Encrypt   string // "age1..."; empty = the key
	Account   string
	Household string
	Mail      string
}

// card holds what was typed against the rules.
func (n New) card(now core.Moment) (c Card, err error) {
	c = Card{ID: NewID(), Made: now}
	if c.Name, err = parseText("custody.person.bad_name", n.Name); err != nil {
		return c, err
	}
	if c.Name == "" {
		return c, core.Invalid("custody.person.bad_name", errors.New("no name"))
	}
	if c.Key, err = ParseKey(n.Key); err != nil {
		return c, err
	}
	if c.Encrypt = strings.TrimSpace(n.Encrypt); c.Encrypt == "" {
		c.Encrypt = c.Key
	}
	if _, err = ParseRecipient(c.Encrypt); err != nil {
		return c, err
	}
	if c.Account, err = parseText("custody.person.bad_text", n.Account); err != nil {
		return c, err
	}
	if c.Household, err = parseText("custody.person.bad_text", n.Household); err != nil {
		return c, err
	}
	c.Mail, err = parseMail(n.Mail)
	return c, err
}

// parseText reads one line of printable text; empty is allowed.
func parseText(key, s string) (string, error) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxText || strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return "", core.Invalid(key, errors.New("not printable, or too long"))
	}
	return s, nil
}

// Role is what a person does for a service.
type Role string

// The roles.
const (
	Responsible Role = "responsible" // acts first
	Backup      Role = "backup"      // acts when that person cannot
	Told        Role = "told"        // hears of it
)

// Duty is the role one person has for one service.
type Duty struct {
	Service string `json:"service"`
	Person  ID     `json:"person"`
	Role    Role   `json:"role"`
}

// ParseRole reads a role; "none" and "" take it away. Returns CodeInvalid
// "custody.person.bad_role".
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case Responsible, Backup, Told:
		return r, nil
	case "", "none":
		return "", nil
	default:
		return "", core.Invalid("custody.person.bad_role", errors.New("no such role"))
	}
}

// ParseService reads the name of a service. Returns CodeInvalid "custody.person.bad_text".
func ParseService(s string) (string, error) {
	s, err := parseText("custody.person.bad_text", s)
	if err == nil && s == "" {
		return "", core.Invalid("custody.person.bad_text", errors.New("empty"))
	}
	return s, err
}
