package ability

import (
	"context"
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// AnswerPath is where a mail to a mailbox is answered.
const AnswerPath = "/custody/mailbox/"

// mail sends the address by which a mailbox is proved. The mail names the ability, nobody.
func (s *Abilities) mail(ctx context.Context, a Ability, token string) error {
	if s.Mailer == nil {
		return core.Unsure("custody.ability.no_mail", errors.New("nobody carries mails"))
	}
	m, ok := s.Mailer()
	if !ok || !m.CanMail() {
		return core.Unsure("custody.ability.no_mail", errors.New("nobody carries mails"))
	}
	said := map[string]any{"URL": strings.TrimSuffix(s.URL, "/") + AnswerPath + token, "Node": string(s.Node), "Address": a.Subject}
	return m.Mail(ctx, a.Subject, s.Say("custody.ability.mail_title", said), s.Say("custody.ability.mail_text", said))
}

// Asked answers the ability that a mailed address is for, without changing anything. Returns
// CodeNotFound "custody.ability.no_challenge".
func (s *Abilities) Asked(ctx context.Context, token string) (Ability, error) {
	c, err := s.mailed(ctx, token)
	if err != nil {
		return Ability{}, err
	}
	return get(ctx, s.DB, c.Ability)
}

func (s *Abilities) mailed(ctx context.Context, token string) (Challenge, error) {
	if len(token) != 32 {
		return Challenge{}, core.NotFound("custody.ability.no_challenge", errors.New("no such token"))
	}
	return challenge(ctx, s.DB, "", seal.TokenHash(token), core.At(s.Now()))
}

// Answer ends the proof of a mailbox: somebody who reads it pressed the button. What follows
// links and presses none, as a scanner of mails, proves nothing.
func (s *Abilities) Answer(ctx context.Context, token string) error {
	c, err := s.mailed(ctx, token)
	if err != nil {
		return err
	}
	a, p, err := s.both(ctx, c.Ability, c.Person)
	if err != nil {
		return err
	}
	return s.finish(ctx, c, &Holding{Ability: a.ID, Person: p.ID, Proof: ByMail, Evidence: evidence(c.Line(s.Node), c.Token)})
}
