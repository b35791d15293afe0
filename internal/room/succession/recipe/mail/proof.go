package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// probe is how the probe signs in at the new server, with the old password.
func (m proof) probe() (account, error) {
	word, err := secret(m.ProbePassword)
	return account{at: m.New.IMAP, tls: m.New.TLS, user: m.target(m.Probe), password: word}, err
}

// login signs in once at the new server, and opens the inbox.
func (m proof) login(ctx context.Context, _ recipe.Work) error {
	a, err := m.probe()
	if err != nil {
		return err
	}
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return core.Unsure("succession.recipe.mail.imap", err).With("Side", a.at)
	}
	return nil
}

// tested marks the probe's mailbox: it had a letter that the old one has not.
const tested = "tested"

// deliver sends one letter to the probe at the new server, and waits until it is in the inbox.
func (m proof) deliver(ctx context.Context, w recipe.Work) error {
	if err := mark(w, tested, m.Probe); err != nil {
		return err
	}
	return m.letter(ctx, m.New.SMTP, m.target(m.Probe))
}

// relayed sends one by the old server, to the old address.
func (m proof) relayed(ctx context.Context, _ recipe.Work) error {
	return m.letter(ctx, m.Old.SMTP, m.Probe)
}

// letter sends one, waits for it in the probe's inbox at the new server, and deletes it there.
func (m proof) letter(ctx context.Context, at, to string) error {
	a, err := m.probe()
	if err != nil {
		return err
	}
	token := strings.ToLower(rand.Text())
	err = smtpTalk(ctx, at, func(c *smtp.Client) error {
		if err := errors.Join(c.Mail(m.Probe), c.Rcpt(to)); err != nil {
			return err
		}
		body, err := c.Data()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(body, "From: <%s>\r\nTo: <%s>\r\nMessage-ID: <%s@entrechat>\r\nSubject: entrechat: a test of the move\r\n\r\n%s\r\n",
			m.Probe, to, token, token); err != nil {
			return err
		}
		return body.Close()
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.await(ctx, token); err != nil {
		return core.Unsure("succession.recipe.mail.undelivered", err).With("At", at)
	}
	return nil
}

// await waits for a letter in the inbox, and deletes it.
func (s *session) await(ctx context.Context, token string) error {
	if _, err := s.Select("INBOX", nil).Wait(); err != nil {
		return err
	}
	for {
		found, err := s.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: token}}}, nil).Wait()
		if err != nil {
			return err
		}
		if uids := found.AllUIDs(); len(uids) > 0 {
			set := imap.UIDSetNum(uids...)
			if err := s.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
				return err
			}
			return s.UIDExpunge(set).Close()
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		if err := s.Noop().Wait(); err != nil {
			return err
		}
	}
}

// smtpTalk talks to a server that takes mail, without TLS and without signing in, as other servers may.
func smtpTalk(ctx context.Context, at string, fn func(*smtp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	failed := func(err error) error { return core.Unsure("succession.recipe.mail.smtp", err).With("At", at) }
	conn, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", at)
	if err != nil {
		return failed(err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // whoever reads then gets an error
	host, _, _ := net.SplitHostPort(at)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		_ = conn.Close() // it failed before
		return failed(err)
	}
	defer c.Close() //nolint:errcheck // all was said
	if err := fn(c); err != nil {
		return failed(err)
	}
	_ = c.Quit() // the letter was taken
	return nil
}

// takes is what a server answers to a recipient: 2, 4 or 5.
func takes(ctx context.Context, at, from, to string) (class int, err error) {
	err = smtpTalk(ctx, at, func(c *smtp.Client) error {
		if err := c.Mail(from); err != nil {
			return err
		}
		err := c.Rcpt(to)
		answer, no := errors.AsType[*textproto.Error](err)
		switch {
		case err == nil:
			class = 2
		case no:
			class = answer.Code / 100
		default:
			return err
		}
		return c.Reset()
	})
	return class, err
}

// sameAliases asks both servers about each address of the old tables: whether they take mail for it, and whom it
// goes to. An address that nobody has must be answered alike too. CodeConflict
// "succession.recipe.mail.alias".
func (m proof) sameAliases(ctx context.Context, w recipe.Work) error {
	now := postfix{m.toSide, m.New.Postfix, ""}
	addresses, err := m.addresses(ctx)
	if err != nil {
		return err
	}
	for i, address := range addresses {
		here, err := m.mta.expansion(ctx, m.Old.Aliases, address)
		if err != nil {
			return err
		}
		there, err := now.expansion(ctx, m.New.Aliases, address)
		if err != nil {
			return err
		}
		if !slices.Equal(targets(here), targets(there)) {
			return core.Conflict("succession.recipe.mail.alias", fmt.Errorf("%q, %q", here, there)).With("Address", address)
		}
		if err := m.sameAnswer(ctx, address); err != nil {
			return err
		}
		w.Say(int64(i+1), int64(len(addresses)))
	}
	return nil
}

// sameAnswer asks both servers whether they take mail for an address.
func (m proof) sameAnswer(ctx context.Context, address string) error {
	if m.Old.SMTP == "" || m.New.SMTP == "" {
		return nil
	}
	old, err := takes(ctx, m.Old.SMTP, "", address)
	if err != nil {
		return err
	}
	now, err := takes(ctx, m.New.SMTP, "", address)
	if err != nil {
		return err
	}
	if old != now {
		return core.Conflict("succession.recipe.mail.alias", fmt.Errorf("%d, %d", old, now)).With("Address", address)
	}
	return nil
}

// addresses are those of the old alias tables, and for each domain in them one that nobody has. The text
// that a table is made of lies beside it.
func (m proof) addresses(ctx context.Context) ([]string, error) {
	var list []string
	for _, t := range m.Old.Aliases {
		_, name, _ := strings.Cut(t, ":")
		text, err := read(ctx, m.fromSide, name)
		if err != nil {
			return nil, err
		}
		list = append(list, keys(text)...)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	domains := map[string]bool{}
	for _, address := range list {
		if _, domain, ok := strings.Cut(address, "@"); ok && !domains[domain] {
			domains[domain] = true
			list = append(list, "nobody-"+strings.ToLower(rand.Text()[:10])+"@"+domain)
		}
	}
	return list, nil
}

// keys are the addresses of an alias table: postmap(1), "key value", a line that begins with space goes
// on. Whole domains ("@example.org") are asked about by the address that nobody has.
func keys(text string) []string {
	var list []string
	for l := range strings.Lines(text) {
		fields := strings.Fields(l)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") || l[0] == ' ' || l[0] == '\t' {
			continue
		}
		if address := strings.ToLower(fields[0]); strings.Contains(address, "@") && address[0] != '@' {
			list = append(list, address)
		} else if address[0] == '@' {
			list = append(list, "postmaster"+address)
		}
	}
	return list
}

// targets are whom an alias goes to, sorted.
func targets(value string) []string {
	list := strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
	slices.Sort(list)
	return list
}
