package signin

import (
	"context"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

// askRecovery takes the handle or address of somebody who cannot sign in. Where it is known,
// a link goes to the account's address; who asks learns nothing. Where the account has a
// passkey or one-time codes, which the link gets around, it comes 30 minutes after a mail
// that says so and can stop it.
func (s *Service) askRecovery(r *http.Request, text string) error {
	p, err := s.n.People.Find(r.Context(), text)
	if core.CodeOf(err) == core.CodeNotFound || err == nil && (p.Kind != person.Local || p.Status != person.Active || p.Mail == "") {
		return nil
	}
	if err != nil {
		return err
	}
	ways, err := s.n.Passwords.List(r.Context(), p.ID)
	if err != nil {
		return err
	}
	from, now := From(r), s.now()
	defer s.wake()
	return s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		m := mail{kind: mailRecover, person: p.ID, address: p.Mail, lang: p.Lang}
		if ways.TOTP || len(ways.Passkeys) > 0 {
			if waits, err := mailWaits(ctx, q, p.ID, mailRecover); err != nil || waits {
				return err // one is on its way, and the person was told
			}
			warn := m
			warn.kind, m.due = mailWarn, now.Add(delay)
			if err := s.send(ctx, q, warn); err != nil {
				return err
			}
		}
		if err := s.send(ctx, q, m); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: p.ID, Kind: audit.RecoveryAsked, From: from})
	})
}

// stop ends a recovery on its way, and the links of those that were sent. Returns
// CodeNotFound "identity.signin.link_gone".
func (s *Service) stop(r *http.Request, text string) error {
	t, err := s.held(r.Context(), text, tokenStop)
	if err != nil {
		return err
	}
	from, now := From(r), s.now()
	return s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if err := use(ctx, q, text, now); err != nil {
			return err
		}
		if err := dropMails(ctx, q, t.person, mailRecover); err != nil {
			return err
		}
		if err := dropTokens(ctx, q, t.person, tokenRecover); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: t.person, By: t.person, Kind: audit.RecoveryAsked, About: "stopped", From: from})
	})
}
