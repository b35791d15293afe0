package credential

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const (
	ceremonyTime = 5 * time.Minute
	maxPasskeys  = 20
	maxAnswer    = 64 << 10 // bytes of a passkey's answer
	maxName      = 60       // characters of a passkey's name
)

// Passkey is one passkey of a person.
type Passkey struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"` // the person's own word for it; may be empty
	Made    core.Moment `json:"made"`
	Used    core.Moment `json:"used,omitzero"`
	Doubted core.Moment `json:"doubted,omitzero"` // when its counter went back: there may be a copy
}

// Ask is one question to a passkey.
type Ask struct {
	// Options is what navigator.credentials.create or .get is called with, as JSON:
	// {"publicKey": {...}}, binary in base64url.
	Options []byte
	// Ceremony comes back with the answer. It is sealed: the browser can read nothing of it and
	// change nothing.
	Ceremony string
}

// Answer is what a browser sends back to an Ask.
type Answer struct {
	Browser  string // what tells this browser from any other; the same as when it was asked
	Ceremony string // of the Ask
	JSON     []byte // what the device said: PublicKeyCredential.toJSON(), at most 64 KiB
}

// Login is a sign-in by passkey.
type Login struct {
	Person  person.ID
	Passkey string // its id
	// Verified: the device made sure that it is its owner (a finger, a PIN), so that this
	// one step is as good as two.
	Verified bool
}

// newWebAuthn binds passkeys to the node's URL; nil where browsers allow none: an address
// without a name, or without TLS.
func newWebAuthn(n *Needs) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(n.URL)
	if err != nil || u.Hostname() == "" {
		return nil, core.Invalid("identity.credential.bad_url", errors.Join(err, errors.New("no host"))).With("URL", n.URL)
	}
	if n.Name == "" {
		n.Name = u.Hostname()
	}
	_, isIP := netip.ParseAddr(u.Hostname())
	if isIP == nil || u.Scheme != "https" && u.Hostname() != "localhost" {
		return nil, nil //nolint:nilnil // no passkeys is an answer
	}
	return webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: n.Name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationPreferred,
		},
	})
}

// Passkeys is the part of Service that asks passkeys. Safe for concurrent use.
type Passkeys struct {
	needs    Needs
	webauthn *webauthn.WebAuthn // nil where browsers allow none
}

func (s *Passkeys) now() core.Moment { return core.At(s.needs.Now()) }

// HavePasskeys says whether browsers allow passkeys at the node's URL.
func (s *Passkeys) HavePasskeys() bool { return s.webauthn != nil }

// owner is a person as the library wants one.
type owner struct {
	id          person.ID
	name, shown string
	credentials []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return []byte(o.id) }
func (o owner) WebAuthnName() string                       { return o.name }
func (o owner) WebAuthnDisplayName() string                { return o.shown }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// ceremony is what lies sealed in Ask.Ceremony.
type ceremony struct {
	ID      string               `json:"id"`
	Until   core.Moment          `json:"until"`
	Browser string               `json:"browser"`
	Who     person.ID            `json:"who,omitempty"` // asked for; empty = whoever answers
	Session webauthn.SessionData `json:"session"`
}

const (
	toAdd   = "ceremony/add"
	toEnter = "ceremony/enter"
)

// ask seals a ceremony. browser is what tells this browser from any other, such as the
// value of a cookie that only it has.
func (s *Passkeys) ask(purpose string, c ceremony, options any) (Ask, error) {
	if c.Browser == "" {
		return Ask{}, errors.New("a ceremony of no browser")
	}
	c.ID, c.Until = string(person.NewID()), s.now().Add(ceremonyTime)
	c.Session.Expires = time.Time{} // Until, by our clock
	text, err := json.Marshal(c)
	if err != nil {
		return Ask{}, err
	}
	shown, err := json.Marshal(options)
	return Ask{Options: shown, Ceremony: base64.RawURLEncoding.EncodeToString(s.needs.Box.Seal(purpose, text))}, err
}

// answered opens a ceremony that s.ask sealed for this browser.
func (s *Passkeys) answered(purpose string, a Answer) (c ceremony, err error) {
	old := func(err error) error { return core.Invalid("identity.credential.ceremony_over", err) }
	raw, err := base64.RawURLEncoding.DecodeString(a.Ceremony)
	if err != nil || len(a.Ceremony) > maxAnswer {
		return c, old(errors.New("no ceremony"))
	}
	text, err := s.needs.Box.Open(purpose, raw)
	if err != nil {
		return c, old(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, old(err)
	}
	if s.now() > c.Until || a.Browser == "" || c.Browser != a.Browser {
		return c, old(errors.New("ended, or of another browser"))
	}
	return c, nil
}

func (s *Passkeys) noPasskeys() error {
	if s.webauthn == nil {
		return core.Invalid("identity.credential.no_passkeys", errors.New("an address that browsers allow no passkeys at")).With("URL", s.needs.URL)
	}
	return nil
}

func refused(err error) error {
	detail := err
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		detail = fmt.Errorf("%w: %s: %s", err, e.Details, e.DevInfo)
	}
	return core.Denied("identity.credential.passkey_refused", detail)
}

// BeginPasskey asks a person's device to make a passkey. browser: see Ask; it is to be
// the same at FinishPasskey. Returns CodeInvalid "identity.credential.no_passkeys" where
// browsers allow none, CodeConflict "identity.credential.many_passkeys".
func (s *Passkeys) BeginPasskey(ctx context.Context, browser string, who person.Person) (Ask, error) {
	if err := s.noPasskeys(); err != nil {
		return Ask{}, err
	}
	has, err := records(ctx, s.needs.DB, who.ID)
	if err != nil {
		return Ask{}, err
	}
	if len(has) >= maxPasskeys {
		return Ask{}, core.Conflict("identity.credential.many_passkeys", errors.New("too many")).With("Most", maxPasskeys)
	}
	o := owner{who.ID, who.Handle, who.Called(), has}
	options, session, err := s.webauthn.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(has).CredentialDescriptors()))
	if err != nil {
		return Ask{}, fmt.Errorf("begin passkey: %w", err)
	}
	return s.ask(toAdd, ceremony{Browser: browser, Who: who.ID, Session: *session}, options)
}

// FinishPasskey keeps the passkey that a device made, and does what else belongs to that in the
// same transaction (nil = nothing): an error of it keeps no passkey, and is returned. Returns CodeInvalid
// "identity.credential.ceremony_over" for a question that was answered already, is older
// than five minutes, of another browser or person; CodeDenied
// "identity.credential.passkey_refused" for an answer that does not hold, such as one made for
// another site.
func (s *Passkeys) FinishPasskey(ctx context.Context, who person.ID, a Answer, name string, also func(ctx context.Context, q db.Querier, made Passkey) error) (Passkey, error) {
	if err := s.noPasskeys(); err != nil {
		return Passkey{}, err
	}
	c, err := s.answered(toAdd, a)
	if err != nil {
		return Passkey{}, err
	}
	if c.Who != who || !who.Valid() {
		return Passkey{}, core.Invalid("identity.credential.ceremony_over", errors.New("of another person"))
	}
	made, err := s.made(c, a.JSON)
	if err != nil {
		return Passkey{}, err
	}
	p := Passkey{ID: base64.RawURLEncoding.EncodeToString(made.ID), Name: tidyName(name), Made: s.now()}
	err = s.needs.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := s.end(ctx, q, c); err != nil {
			return err
		}
		has, err := listPasskeys(ctx, q, who)
		if err != nil {
			return err
		}
		if len(has) >= maxPasskeys {
			return core.Conflict("identity.credential.many_passkeys", errors.New("too many")).With("Most", maxPasskeys)
		}
		if err := addPasskey(ctx, q, who, p, *made); err != nil || also == nil {
			return err
		}
		return also(ctx, q, p)
	})
	if db.IsDuplicate(err) {
		err = refused(errors.New("there is a passkey of this id"))
	}
	return p, err
}

// made checks a device's answer to BeginPasskey.
func (s *Passkeys) made(c ceremony, answer []byte) (*webauthn.Credential, error) {
	if len(answer) > maxAnswer {
		return nil, refused(errors.New("too long"))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, refused(err)
	}
	made, err := s.webauthn.CreateCredential(owner{id: c.Who}, c.Session, parsed)
	if err != nil {
		return nil, refused(err)
	}
	// Who made the device is nobody's business; the key is all we need.
	made.Attestation = webauthn.CredentialAttestation{}
	return made, nil
}

// end lets a ceremony count once.
func (s *Passkeys) end(ctx context.Context, q db.Querier, c ceremony) error {
	first, err := endCeremony(ctx, q, c.ID, c.Until, s.now())
	if err == nil && !first {
		err = core.Invalid("identity.credential.ceremony_over", errors.New("answered already"))
	}
	return err
}

// BeginLogin asks a device for a passkey: any of this site, so that the question says
// nothing of who has an account. With a person, who is signed in and is to prove it anew,
// only one of theirs will do. browser: see Ask.
func (s *Passkeys) BeginLogin(ctx context.Context, browser string, who person.ID) (Ask, error) {
	if err := s.noPasskeys(); err != nil {
		return Ask{}, err
	}
	options, session, err := s.webauthn.BeginDiscoverableLogin()
	if err != nil {
		return Ask{}, fmt.Errorf("begin login: %w", err)
	}
	if who != "" {
		has, err := records(ctx, s.needs.DB, who)
		if err != nil {
			return Ask{}, err
		}
		options.Response.AllowedCredentials = webauthn.Credentials(has).CredentialDescriptors()
	}
	return s.ask(toEnter, ceremony{Browser: browser, Who: who, Session: *session}, options)
}

// FinishLogin says whose passkey answered. Returns CodeInvalid
// "identity.credential.ceremony_over" as FinishPasskey does, CodeDenied
// "identity.credential.passkey_refused" for an answer that does not hold, and CodeDenied
// "identity.credential.passkey_copied" when the passkey's counter went back: somebody may have
// a copy of it; it is marked, and refused as long as the counter is behind.
func (s *Passkeys) FinishLogin(ctx context.Context, a Answer) (Login, error) {
	if err := s.noPasskeys(); err != nil {
		return Login{}, err
	}
	c, err := s.answered(toEnter, a)
	if err != nil {
		return Login{}, err
	}
	if len(a.JSON) > maxAnswer {
		return Login{}, refused(errors.New("too long"))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(a.JSON)
	if err != nil {
		return Login{}, refused(err)
	}
	var in Login
	var copied bool
	err = s.needs.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		in, copied, err = s.enter(ctx, q, c, parsed)
		return err
	})
	if err == nil && copied {
		return Login{}, core.Denied("identity.credential.passkey_copied", errors.New("the counter went back"))
	}
	if err != nil {
		return Login{}, err
	}
	return in, nil
}

func (s *Passkeys) enter(ctx context.Context, q db.Querier, c ceremony, parsed *protocol.ParsedCredentialAssertionData) (in Login, copied bool, err error) {
	var lookup error
	find := func(_, handle []byte) (webauthn.User, error) {
		who := person.ID(handle)
		if !who.Valid() || c.Who != "" && c.Who != who {
			return nil, errors.New("another person")
		}
		var has []webauthn.Credential
		has, lookup = records(ctx, q, who)
		return owner{id: who, credentials: has}, lookup
	}
	user, used, err := s.webauthn.ValidatePasskeyLogin(find, c.Session, parsed)
	if lookup != nil {
		return in, false, lookup
	}
	if err != nil {
		return in, false, refused(err)
	}
	if err := s.end(ctx, q, c); err != nil {
		return in, false, err
	}
	in = Login{
		Person: person.ID(user.WebAuthnID()), Passkey: base64.RawURLEncoding.EncodeToString(used.ID),
		Verified: parsed.Response.AuthenticatorData.Flags.UserVerified(),
	}
	if used.Authenticator.CloneWarning {
		return in, true, doubtPasskey(ctx, q, in.Passkey, s.now())
	}
	return in, false, usedPasskey(ctx, q, in.Passkey, *used, s.now())
}

// RenamePasskey gives a passkey another name. Returns CodeNotFound
// "identity.credential.no_such".
func (s *Passkeys) RenamePasskey(ctx context.Context, who person.ID, id, name string) error {
	done, err := renamePasskey(ctx, s.needs.DB, who, id, tidyName(name))
	if err == nil && !done {
		err = core.NotFound("identity.credential.no_such", errors.New("no such passkey"))
	}
	return err
}

// tidyName is a name on one line, at most maxName characters.
func tidyName(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))), " ")
	if r := []rune(s); len(r) > maxName {
		s = strings.TrimSpace(string(r[:maxName]))
	}
	return s
}
