package mail

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// SMTP makes the look.Probe of mail servers: greeting, EHLO, STARTTLS, certificate, QUIT. On
// port 465 TLS comes first.
//
// Many providers let no machine of their customers call port 25 elsewhere. As long as no
// mail server of another member took our connection there, one that does not says nothing
// of the server: the look is unfit.
func SMTP() look.Probe {
	var reached atomic.Bool // port 25 of another member
	return func(ctx context.Context, a *look.Attempt, tg target.Target) error {
		t, host, secure, err := open(ctx, a, tg.Address, "465")
		if strings.HasSuffix(tg.Address, ":25") && !a.Own() {
			switch {
			case err == nil:
				reached.Store(true)
			case !reached.Load() && unreached(err):
				return look.Fail(look.Unfit, "port 25 was never reached from here: the provider may block it (%v)", err)
			}
		}
		if err != nil {
			return err
		}
		return t.smtp(ctx, a, host, secure, tg.Expect)
	}
}

// unreached says whether nobody took a connection.
func unreached(err error) bool {
	var op *net.OpError
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &op) && op.Op == "dial"
}

// smtp talks with a mail server that took the connection.
func (t *talk) smtp(ctx context.Context, a *look.Attempt, host string, secure bool, e target.Expect) error {
	begun := a.Now()
	greeting, err := t.reply("220", "greeting")
	if err != nil {
		return err
	}
	if err := first(a, begun, strings.Join(greeting, " "), e.Text, e.Absent); err != nil {
		return err
	}
	if name, version := software(greeting); name != "" {
		a.Software(name, version)
	}
	if err := t.hello(ctx, a, host, secure); err != nil {
		return err
	}
	// All was seen; whether the server says goodbye in time changes nothing.
	_ = t.say("QUIT")
	_, _ = t.line()
	return nil
}

// hello says EHLO and goes over to TLS.
func (t *talk) hello(ctx context.Context, a *look.Attempt, host string, secure bool) error {
	offers, err := t.ehlo()
	if err != nil || secure {
		return err
	}
	if !offered(offers, "STARTTLS") {
		if look.AnyCertificate(a) {
			return nil
		}
		return look.Fail(look.TLS, "the server offers no STARTTLS")
	}
	if err := t.say("STARTTLS"); err != nil {
		return err
	}
	if _, err := t.reply("220", "STARTTLS"); err != nil {
		return notReady(err)
	}
	if err := t.secure(ctx, a, host); err != nil {
		return err
	}
	_, err = t.ehlo()
	return err
}

// notReady is a server that offers TLS and then refuses it.
func notReady(err error) error {
	if own, ok := errors.AsType[*look.ClassError](err); ok && own.Class == look.Content {
		return look.Fail(look.TLS, "%s", own.Detail)
	}
	return err
}

// ehlo greets with our address, as RFC 5321 section 4.1.3 has it for those without a name.
func (t *talk) ehlo() ([]string, error) {
	if err := t.say("EHLO %s", literal(t.c.LocalAddr())); err != nil {
		return nil, err
	}
	return t.reply("250", "EHLO")
}

// literal writes an address as SMTP does.
func literal(at net.Addr) string {
	if at != nil {
		if ap, err := netip.ParseAddrPort(at.String()); err == nil {
			ip := ap.Addr().Unmap().WithZone("")
			if ip.Is4() {
				return "[" + ip.String() + "]"
			}
			return "[IPv6:" + ip.String() + "]"
		}
	}
	return "[127.0.0.1]"
}

// reply reads an answer with a code; what it answers is for the detail.
func (t *talk) reply(code, what string) ([]string, error) {
	var lines []string
	for range maxLines {
		line, err := t.line()
		if err != nil {
			return nil, err
		}
		if len(line) < 3 || !digits(line[:3]) || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
			return nil, look.Fail(look.Content, "%s: this is not SMTP: %q", what, line)
		}
		if line[:3] != code {
			return nil, look.Fail(look.Content, "%s: the server says %q", what, line)
		}
		if len(line) == 3 {
			return append(lines, ""), nil
		}
		lines = append(lines, line[4:])
		if line[3] == ' ' {
			return lines, nil
		}
	}
	return nil, look.Fail(look.Content, "%s: more than %d lines", what, maxLines)
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// offered says whether a keyword is among the lines of EHLO.
func offered(lines []string, keyword string) bool {
	for _, l := range lines {
		if word, _, _ := strings.Cut(l, " "); strings.EqualFold(word, keyword) {
			return true
		}
	}
	return false
}

// known are servers that name themselves in their greeting.
var known = regexp.MustCompile(`\b(Postfix|Exim|OpenSMTPD|Haraka|Sendmail|Stalwart)\b(?:[ /]v?([0-9][0-9A-Za-z.-]{0,20}))?`)

// software is what a greeting says of the server.
func software(greeting []string) (name, version string) {
	for _, line := range greeting {
		if m := known.FindStringSubmatch(line); m != nil {
			return m[1], m[2]
		}
	}
	return "", ""
}
