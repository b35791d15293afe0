package note

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Longest texts, in bytes.
const (
	MaxText     = 8000      // of one note
	MaxAnswer   = 4000      // of one question of a postmortem
	MaxLink     = 300       // of an address
	MaxDocument = 64 << 10  // of a document, encoded
	MaxService  = 100       // of a service's name
	MaxServices = 50        // of one note or maintenance
	hashLength  = 64        // of a SHA-256 in hex
	saltLength  = 16        // bytes
	maxHost     = 253       // of a host name
	maxLocal    = 64        // of what stands before @
	defaultLang = "fr"      // of a text of which nobody said it
	otherLang   = "en"      //
	schemeMail  = "mailto:" //
)

// Document is what somebody wrote. The salt keeps a short text from being guessed by its
// hash once it is withdrawn.
// spec: docs/spec/incident.md#notes
type Document struct {
	Salt       string      `json:"salt"` // 32 hex digits
	Lang       string      `json:"lang"` // fr or en
	Text       string      `json:"text,omitempty"`
	Postmortem *Postmortem `json:"postmortem,omitempty"`
}

// Postmortem is what a hoster tells after an incident, as the beginning of a debate. Every
// text may be empty; What and Answer may not.
// spec: docs/spec/incident.md#postmortems
type Postmortem struct {
	What    string  `json:"what"`              // what happened
	Whom    string  `json:"whom,omitempty"`    // for whom it hurt, and how
	Depends Depends `json:"depends,omitzero"`  // what we depended on
	Without string  `json:"without,omitempty"` // what we could do without
	Change  string  `json:"change,omitempty"`  // what we change
	// Answer is where people answer: mailto:, https:// or an account of the fediverse
	// (@name@domain).
	Answer string `json:"answer"`
}

// Depends is what a service hung on when it failed.
type Depends struct {
	Programs  string `json:"programs,omitempty"`
	Companies string `json:"companies,omitempty"`
	People    string `json:"people,omitempty"`
	Power     string `json:"power,omitempty"`
	Network   string `json:"network,omitempty"`
}

// Lines are what was said of it, each on a line of its own.
func (d Depends) Lines() string {
	said := []string{d.Programs, d.Companies, d.People, d.Power, d.Network}
	return strings.Join(slices.DeleteFunc(said, func(text string) bool { return text == "" }), "\n")
}

// Tidy makes a typed text fit to be stored where nothing is lost by it: line ends, tabs,
// spaces around, marks that nobody sees.
func Tidy(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(strings.ToValidUTF8(s, ""))
	s = strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// CheckText refuses what could not stand on a page, in a mail or on a terminal as it was
// written. field names it in the sentence. CodeInvalid.
func CheckText(field, s string, limit int) error {
	if len(s) <= limit && utf8.ValidString(s) && Tidy(s) == s {
		return nil
	}
	return core.Invalid("watch.incident.bad_text", fmt.Errorf("%s: %d bytes, %.40q", field, len(s), s)).
		With("Field", field).With("Limit", limit)
}

// CheckLine is CheckText for a single line.
func CheckLine(field, s string, limit int) error {
	if strings.Contains(s, "\n") {
		return core.Invalid("watch.incident.bad_text", errors.New(field+": has several lines")).With("Field", field).With("Limit", limit)
	}
	return CheckText(field, s, limit)
}

// CheckServices refuses names of services that cannot stand in an entry: too many, one
// twice, not on one line. CodeInvalid.
func CheckServices(names []string) error {
	if len(names) > MaxServices {
		return core.Invalid("watch.incident.many_services", fmt.Errorf("%d services", len(names))).With("Limit", MaxServices)
	}
	for n, name := range names {
		if name == "" || slices.Contains(names[:n], name) {
			return core.Invalid("watch.incident.bad_service", fmt.Errorf("service %.40q", name)).With("Service", name)
		}
		if err := CheckLine("service", name, MaxService); err != nil {
			return err
		}
	}
	return nil
}

var fediverse = regexp.MustCompile(`^@([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$`)

// Link is the address of an answer as a page links to it. Returns CodeInvalid for anything
// but a plain mail address after mailto:, an https address without a user, and an account
// of the fediverse.
func Link(answer string) (string, error) {
	bad := func(why string) (string, error) {
		return "", core.Invalid("watch.incident.bad_answer", fmt.Errorf("%.60q: %s", answer, why)).With("Address", answer)
	}
	if len(answer) > MaxLink || CheckLine("answer", answer, MaxLink) != nil || strings.ContainsAny(answer, " \"<>\\") {
		return bad("holds what an address does not")
	}
	if m := fediverse.FindStringSubmatch(answer); m != nil {
		return "https://" + m[2] + "/@" + m[1], nil
	}
	if to, ok := strings.CutPrefix(answer, schemeMail); ok {
		a, err := mail.ParseAddress(to)
		if err != nil || a.Name != "" || a.Address != to || strings.ContainsAny(to, "?&%,;:()'") {
			return bad("is no mail address")
		}
		local, host, _ := strings.Cut(to, "@")
		if len(local) > maxLocal || len(host) > maxHost || !strings.Contains(host, ".") {
			return bad("is no mail address")
		}
		return answer, nil
	}
	u, err := url.Parse(answer)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || !strings.Contains(u.Hostname(), ".") {
		return bad("is no https address")
	}
	return u.String(), nil
}

// Check refuses a document that breaks a bound. CodeInvalid.
func (d Document) Check() error {
	if b, err := hex.DecodeString(d.Salt); err != nil || len(b) != saltLength || strings.ToLower(d.Salt) != d.Salt {
		return core.Invalid("watch.incident.bad_document", errors.New("no salt"))
	}
	if d.Lang != defaultLang && d.Lang != otherLang {
		return core.Invalid("watch.incident.bad_lang", fmt.Errorf("language %.10q", d.Lang))
	}
	if err := CheckText("text", d.Text, MaxText); err != nil {
		return err
	}
	if d.Postmortem != nil {
		return d.Postmortem.check()
	}
	if d.Text == "" {
		return core.Invalid("watch.incident.empty", errors.New("no text"))
	}
	return nil
}

func (p Postmortem) check() error {
	if p.What == "" {
		return core.Invalid("watch.incident.empty", errors.New("nothing is said of what happened"))
	}
	for _, f := range p.fields() {
		if err := CheckText(f.name, *f.text, MaxAnswer); err != nil {
			return err
		}
	}
	_, err := Link(p.Answer)
	return err
}

type field struct {
	name string
	text *string
}

// fields are the texts of a postmortem by the names of their flags.
func (p *Postmortem) fields() []field {
	d := &p.Depends
	return []field{
		{"what", &p.What},
		{"whom", &p.Whom},
		{"programs", &d.Programs},
		{"companies", &d.Companies},
		{"people", &d.People},
		{"power", &d.Power},
		{"network", &d.Network},
		{"without", &p.Without},
		{"change", &p.Change},
	}
}

// Set writes one text of a postmortem by its name: what, whom, programs, companies, people,
// power, network, without, change, answer. Another name does nothing.
func (p *Postmortem) Set(name, text string) {
	if name == "answer" {
		p.Answer = Tidy(text)
	}
	for _, f := range p.fields() {
		if f.name == name {
			*f.text = Tidy(text)
		}
	}
}

// Get reads what Set writes.
func (p *Postmortem) Get(name string) string {
	if name == "answer" {
		return p.Answer
	}
	for _, f := range p.fields() {
		if f.name == name {
			return *f.text
		}
	}
	return ""
}

// Fields names the texts of a postmortem in the order people are asked.
func Fields() []string {
	var names []string
	for _, f := range new(Postmortem).fields() {
		names = append(names, f.name)
	}
	return append(names, "answer")
}

// Encode salts a document, checks it and writes it, with its name. An empty language is
// French.
func Encode(d Document) (body []byte, sha string, err error) {
	salt := make([]byte, saltLength)
	if _, err := rand.Read(salt); err != nil {
		return nil, "", err
	}
	d.Salt = hex.EncodeToString(salt)
	if d.Lang == "" {
		d.Lang = defaultLang
	}
	if err := d.Check(); err != nil {
		return nil, "", err
	}
	if body, err = wire.Encode(d); err != nil {
		return nil, "", err
	}
	if len(body) > MaxDocument {
		return nil, "", core.Invalid("watch.incident.bad_document", fmt.Errorf("%d bytes", len(body)))
	}
	return body, Name(body), nil
}

// Decode reads a document strictly. CodeInvalid.
func Decode(body []byte) (d Document, err error) {
	if len(body) > MaxDocument {
		return d, core.Invalid("watch.incident.bad_document", fmt.Errorf("%d bytes", len(body)))
	}
	if err := wire.Decode(body, &d); err != nil {
		return d, err
	}
	return d, d.Check()
}

// Name is the lower-case hex SHA-256 of a document.
func Name(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// IsName says that a text has the form of a Name, or of a leaf hash.
func IsName(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b)*2 == hashLength && strings.ToLower(s) == s
}
