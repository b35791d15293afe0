package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

// maxText is the longest text of a request for an account, in characters.
const maxText = 1000

// askAccount takes the address of somebody who wants an account. A mail goes there, whether
// it has an account or not, so that who asks learns nothing. Returns CodeDenied
// "identity.signin.by_invite", CodeInvalid "identity.person.mail".
func (s *Service) askAccount(ctx context.Context, address, lang string) error {
	if s.n.Settings.SignUp == ByInvite || !s.canMail() {
		return core.Denied("identity.signin.by_invite", errors.New("sign-up is by invite"))
	}
	if err := s.n.Newcomers(ctx); err != nil {
		return err
	}
	address, err := person.ParseMail(address)
	if err != nil {
		return err
	}
	m := mail{kind: mailSignUp, address: address, lang: lang}
	switch p, err := s.n.People.Find(ctx, address); {
	case core.CodeOf(err) == core.CodeNotFound:
	case err != nil:
		return err
	default:
		m.kind, m.person = mailKnown, p.ID
	}
	defer s.wake()
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return s.send(ctx, q, m) })
}

// account is what somebody says who makes one.
type account struct {
	new      person.New
	password string
	text     string // why, where an admin decides
}

// decided says whether an account waits for an admin: whoever was invited does not.
func (s *Service) decided(t token) person.Status {
	if t.kind == tokenSignUp && s.n.Settings.SignUp == ByRequest {
		return person.Waiting
	}
	return person.Active
}

// makeAccount makes an account with a link's token: person, password and what is known of
// it, or nothing at all. Returns what person.Create and Hash do, and CodeNotFound
// "identity.signin.link_gone".
func (s *Service) makeAccount(r *http.Request, text string, a account) (p person.Person, err error) {
	t, err := s.held(r.Context(), text, tokenSignUp, tokenInvite)
	if err != nil {
		return p, err
	}
	if t.person != "" {
		return p, linkGone("the invite of a person")
	}
	if err := s.n.Newcomers(r.Context()); err != nil {
		return p, err
	}
	a.new.Mail, a.new.Status = t.address, s.decided(t)
	if utf8.RuneCountInString(a.text) > maxText || !utf8.ValidString(a.text) {
		return p, core.Invalid("identity.signin.text_long", errors.New("too long"))
	}
	hashed, err := s.n.Passwords.Hash(r.Context(), a.password, a.new.Handle, a.new.Name, a.new.Mail)
	if err != nil {
		return p, err
	}
	now, from := s.now(), From(r)
	err = s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if err := use(ctx, q, text, now); err != nil {
			return err
		}
		if p, err = person.Create(ctx, q, a.new, now); err != nil {
			return err
		}
		if err := s.n.Passwords.PutPassword(ctx, q, p.ID, hashed); err != nil {
			return err
		}
		if p.Status == person.Waiting {
			if err := insertRequest(ctx, q, p.ID, strings.TrimSpace(a.text), now); err != nil {
				return err
			}
		}
		return audit.Append(ctx, q, now, audit.Event{Person: p.ID, By: p.ID, Kind: audit.SignedUp, From: from})
	})
	return p, err
}

// Request is what somebody wrote who waits for an account; empty = nothing.
func (s *Service) Request(ctx context.Context, who person.ID) (string, error) {
	text, err := requestOf(ctx, s.n.DB, who)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return text, err
}

// Admitted tells somebody who waited that the account is theirs to use; it is called in the
// transaction that makes them active.
func (s *Service) Admitted(ctx context.Context, q db.Querier, p person.Person) error {
	if err := dropRequest(ctx, q, p.ID); err != nil || p.Mail == "" {
		return err
	}
	defer s.wake()
	return s.send(ctx, q, mail{kind: mailAdmitted, person: p.ID, address: p.Mail, lang: p.Lang})
}
