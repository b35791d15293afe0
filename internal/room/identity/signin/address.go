package signin

import (
	"context"
	"errors"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

// AskAddress sends a link to an address that a person wants for the account: it counts once
// the link is opened. Where another account has the address nothing is sent, and nobody is
// told. Returns CodeInvalid "identity.person.mail", CodeUnsure "identity.signin.no_mail".
func (s *Service) AskAddress(ctx context.Context, p person.Person, address string) error {
	address, err := person.ParseMail(address)
	if err != nil {
		return err
	}
	if !s.canMail() {
		return core.Conflict("identity.signin.no_mail", errors.New("no mail server"))
	}
	switch _, err := s.n.People.Find(ctx, address); {
	case err == nil:
		return nil
	case core.CodeOf(err) != core.CodeNotFound:
		return err
	}
	defer s.wake()
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return s.send(ctx, q, mail{kind: mailAddress, person: p.ID, address: address, lang: p.Lang})
	})
}

// takeAddress makes a link's address the account's. The old one is told.
func (s *Service) takeAddress(r *http.Request, text string) error {
	t, err := s.held(r.Context(), text, tokenAddress)
	if err != nil {
		return err
	}
	now, from := s.now(), From(r)
	defer s.wake()
	return s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if err := use(ctx, q, text, now); err != nil {
			return err
		}
		old := ""
		p, err := person.Change(ctx, q, t.person, func(p *person.Person) error {
			if p.Kind != person.Local {
				return core.Conflict("identity.person.not_ours", errors.New("at home elsewhere"))
			}
			old, p.Mail = p.Mail, t.address
			return nil
		})
		if err != nil {
			return err
		}
		if old != "" && old != t.address {
			if err := s.send(ctx, q, mail{kind: mailMoved, person: p.ID, address: old, lang: p.Lang}); err != nil {
				return err
			}
		}
		// A link to the old address would let somebody in.
		if err := errors.Join(dropTokens(ctx, q, p.ID, tokenRecover), dropMails(ctx, q, p.ID, mailRecover)); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: p.ID, By: p.ID, Kind: audit.MailChanged, From: from})
	})
}
