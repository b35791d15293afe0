package mail

import (
	"context"
	"strings"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// IMAP looks at a mailbox server: greeting, CAPABILITY, STARTTLS, certificate, LOGOUT. On
// port 993 TLS comes first. It is a look.Probe.
func IMAP(ctx context.Context, a *look.Attempt, tg target.Target) error {
	t, host, secure, err := open(ctx, a, tg.Address, "993")
	if err != nil {
		return err
	}
	begun := a.Now()
	greeting, err := t.line()
	if err != nil {
		return err
	}
	if err := first(a, begun, greeting, tg.Expect.Text, tg.Expect.Absent); err != nil {
		return err
	}
	if state := keyword(greeting); state != "OK" && state != "PREAUTH" {
		return look.Fail(look.Content, "the greeting is %q", greeting)
	}
	if strings.Contains(greeting, "Dovecot") {
		a.Software("Dovecot", "")
	}
	if !secure {
		if err := t.startTLS(ctx, a, host); err != nil {
			return err
		}
	}
	if _, err := t.capabilities("e3"); err != nil {
		return err
	}
	// All was seen; whether the server says goodbye in time changes nothing.
	_ = t.say("e4 LOGOUT")
	_, _ = t.line()
	return nil
}

// startTLS goes over to TLS.
func (t *talk) startTLS(ctx context.Context, a *look.Attempt, host string) error {
	offers, err := t.capabilities("e1")
	if err != nil {
		return err
	}
	if !offers["STARTTLS"] {
		if look.AnyCertificate(a) {
			return nil
		}
		return look.Fail(look.TLS, "the server offers no STARTTLS")
	}
	if _, err := t.command("e2", "STARTTLS"); err != nil {
		return notReady(err)
	}
	return t.secure(ctx, a, host)
}

// capabilities asks what the server can do; it must speak IMAP4rev1 or later.
func (t *talk) capabilities(tag string) (map[string]bool, error) {
	untagged, err := t.command(tag, "CAPABILITY")
	if err != nil {
		return nil, err
	}
	offers := map[string]bool{}
	for _, line := range untagged {
		words := strings.Fields(strings.ToUpper(line))
		if len(words) > 1 && words[1] == "CAPABILITY" {
			for _, w := range words[2:] {
				offers[w] = true
			}
		}
	}
	if !offers["IMAP4REV1"] && !offers["IMAP4REV2"] {
		return nil, look.Fail(look.Content, "the server does not offer IMAP4rev1")
	}
	return offers, nil
}

// command sends a command and reads to the line that ends its answer, which must be OK.
func (t *talk) command(tag, name string) (untagged []string, err error) {
	if err := t.say("%s %s", tag, name); err != nil {
		return nil, err
	}
	for range maxLines {
		line, err := t.line()
		if err != nil {
			return nil, err
		}
		switch first, _, _ := strings.Cut(line, " "); {
		case first == tag && keyword(line) == "OK":
			return untagged, nil
		case first == "*" && keyword(line) != "BYE":
			untagged = append(untagged, line)
		default:
			return nil, look.Fail(look.Content, "%s: the server says %q", name, line)
		}
	}
	return nil, look.Fail(look.Content, "%s: more than %d lines", name, maxLines)
}

// keyword is the word after the tag of a line, in upper case.
func keyword(line string) string {
	words := strings.SplitN(line, " ", 3)
	if len(words) < 2 {
		return ""
	}
	return strings.ToUpper(words[1])
}
