package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	// CanMail says whether the node has a mail server.
	CanMail() bool
	// Mail sends one. Its title is one line.
	Mail(ctx context.Context, to, title, text string) error
}

// mailKind is what a mail is for. Each has a title and a text
// ("identity.signin.mail_KIND_title", "identity.signin.mail_KIND_text").
type mailKind string

const (
	mailSignUp   mailKind = "sign_up"  // somebody wants an account with this address: the link goes on
	mailKnown    mailKind = "known"    // ... and the address has one already
	mailRecover  mailKind = "recover"  // the link sets a new password
	mailWarn     mailKind = "warn"     // a link like that comes in 30 minutes, unless it is stopped
	mailAddress  mailKind = "address"  // the link makes this the account's address
	mailMoved    mailKind = "moved"    // to the old address: there is another one now
	mailAdmitted mailKind = "admitted" // a request for an account was accepted
)

const (
	// An address gets at most so many mails that strangers caused, and the node sends at most
	// so many of them, in an hour and a day.
	perAddress, perNode = 3, 500
	mailTries           = 6
	mailKept            = 24 * time.Hour
	// delay is how long a link waits that gets around a second factor.
	delay = 30 * time.Minute
)

// mail is one mail on its way.
type mail struct {
	id        string
	kind      mailKind
	person    person.ID // empty = nobody's
	address   string
	lang      string
	failed    int64
	made, due core.Moment
}

// Mails are those on their way to people.
type Mails struct {
	n     Needs
	woken chan struct{} // a mail is due
}

func (s *Mails) now() core.Moment { return core.At(s.n.Now()) }

func (s *Mails) canMail() bool { return s.n.Mailer != nil && s.n.Mailer.CanMail() }

// send puts a mail on its way, in the transaction that makes it due. What is too much for its
// address is left out in silence: who asked learns nothing of it.
func (s *Mails) send(ctx context.Context, q db.Querier, m mail) error {
	now := s.now()
	m.id, m.made = string(person.NewID()), now
	m.due = max(m.due, now)
	one, all, err := mailsSince(ctx, q, m.address, now.Add(-time.Hour), now.Add(-mailKept))
	if err != nil || one >= perAddress || all >= perNode {
		return err
	}
	return insertMail(ctx, q, m)
}

// wake has mails go out now.
func (s *Mails) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// deliver sends what is due until ctx ends, as soon as it is there or a moment later.
func (s *Mails) deliver(ctx context.Context) error {
	for {
		if err := s.SendDue(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.woken:
		case <-time.After(15 * time.Second):
		}
	}
}

// SendDue sends the mails that are due.
func (s *Mails) SendDue(ctx context.Context) error {
	if !s.canMail() {
		return nil
	}
	due, err := dueMails(ctx, s.n.DB, s.now(), 50)
	if err != nil {
		return err
	}
	for _, m := range due {
		if err := s.post(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// post sends one mail. It is marked before, so that no second process sends it too; a mail
// that failed is tried again for about an hour.
func (s *Mails) post(ctx context.Context, m mail) error {
	now := s.now()
	mine, err := claimMail(ctx, s.n.DB, m, now.Add(time.Duration(1<<m.failed)*time.Minute))
	if err != nil || !mine {
		return err
	}
	title, text, err := s.write(ctx, m)
	if core.CodeOf(err) == core.CodeNotFound {
		return endMail(ctx, s.n.DB, m.id, "dropped") // who it was for is gone
	}
	if err != nil {
		return err
	}
	if err := s.n.Mailer.Mail(ctx, m.address, title, text); err != nil {
		s.n.Log.Warn("a mail to a person was not sent", "kind", string(m.kind), "person", string(m.person), "try", m.failed+1, "error", err)
		if m.failed+1 < mailTries {
			return ctx.Err()
		}
		return errors.Join(ctx.Err(), endMail(ctx, s.n.DB, m.id, "dropped"))
	}
	return endMail(ctx, s.n.DB, m.id, "sent")
}

// write writes a mail. The token of its link is drawn now: none lies in the database before,
// and only its hash does after.
func (s *Mails) write(ctx context.Context, m mail) (title, text string, err error) {
	who := person.Person{Lang: m.lang}
	if m.person != "" {
		if who, err = s.n.People.Get(ctx, m.person); err != nil {
			return "", "", err
		}
		if who.Status == person.Closed {
			return "", "", core.NotFound("identity.person.none", errors.New("has left"))
		}
	}
	link := ""
	switch m.kind {
	case mailSignUp:
		link, err = s.link(ctx, pathSignUp, token{kind: tokenSignUp, address: m.address}, signUpLives)
	case mailRecover:
		link, err = s.link(ctx, pathInvite, token{kind: tokenRecover, person: m.person, address: m.address}, recoverLives)
	case mailWarn:
		link, err = s.link(ctx, pathStop, token{kind: tokenStop, person: m.person, address: m.address}, recoverLives)
	case mailAddress:
		link, err = s.link(ctx, pathAddress, token{kind: tokenAddress, person: m.person, address: m.address}, signUpLives)
	case mailKnown, mailAdmitted:
		link = strings.TrimSuffix(s.n.URL, "/") + pathSignIn
	case mailMoved:
		link = strings.TrimSuffix(s.n.URL, "/") + pathRecover
	}
	if err != nil {
		return "", "", err
	}
	p := s.n.Words.Printer(who.Lang)
	args := map[string]any{"Name": who.Called(), "Hoster": s.n.Hoster, "Link": link}
	key := "identity.signin.mail_" + string(m.kind)
	return p.T(key+"_title", args), p.T(key+"_text", args), nil
}
