package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
)

// Check refuses settings no mail could be sent with. Returns CodeInvalid; an empty Host is
// well.
func (c SMTP) Check() error {
	bad := func(key, value string) error {
		return core.Invalid("watch.alert.bad_smtp", errors.New("SMTP settings: "+key)).With("Key", key).With("Value", value)
	}
	if c.Host == "" {
		return nil
	}
	if _, ok := contact.Mailbox(c.From); !ok {
		return bad("smtp_from", c.From)
	}
	if c.Port < 1 || c.Port > 65535 {
		return bad("smtp_port", strconv.Itoa(c.Port))
	}
	// A password never leaves this machine in the clear.
	local := c.Host == "localhost" || c.Host == "127.0.0.1" || c.Host == "::1"
	if c.TLS == "none" && c.User != "" && !local {
		return bad("smtp_tls", c.TLS)
	}
	if c.TLS != "starttls" && c.TLS != "tls" && c.TLS != "none" {
		return bad("smtp_tls", c.TLS)
	}
	return nil
}

// letter writes a mail. The library encodes every header; what is given to it is one
// line already.
func (s *Senders) letter(to contact.Channel, m Message) (*mail.Msg, error) {
	box, ok := contact.Mailbox(to.Address)
	if !ok {
		return nil, &SendError{Why: "unset"}
	}
	out := mail.NewMsg()
	if err := errors.Join(out.FromFormat("entrechat "+string(s.n.Hoster), s.n.SMTP.From), out.To(box)); err != nil {
		return nil, &SendError{Why: "unset"}
	}
	out.Subject(m.Title)
	out.SetDateWithValue(m.At.Time())
	// The same name for each try: most programs that read mail show it once.
	out.SetMessageIDWithValue(transaction(m.Key) + "@" + host(string(s.n.Hoster)))
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Urgent {
		out.SetImportance(mail.ImportanceHigh)
	}
	if u, ok := contact.Web(m.Out); ok {
		out.SetGenHeaderPreformatted("List-Unsubscribe", "<"+u.String()+">")
		out.SetGenHeaderPreformatted("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	out.SetBodyString(mail.TypeTextPlain, m.body()+"\n")
	return out, nil
}

func host(member string) string {
	if name, _, err := net.SplitHostPort(member); err == nil {
		return name
	}
	return member
}

// mail sends by the hoster's own server, which may stand on a private address.
func (s *Senders) mail(ctx context.Context, to contact.Channel, m Message) error {
	if s.n.SMTP.Host == "" || s.n.SMTP.Check() != nil {
		return &SendError{Why: "unset"}
	}
	letter, err := s.letter(to, m)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(s.n.SMTP.Host, s.options()...)
	if err != nil {
		return &SendError{Why: "unset"}
	}
	// Two bounds for the conversation: the library's own, and the end of the context.
	if err := client.DialWithContext(ctx); err != nil {
		return &SendError{Why: why(err)}
	}
	defer func() { _ = client.Close() }()
	if err := client.Send(letter); err != nil && !letter.IsDelivered() {
		return refusal(err)
	}
	return nil
}

// refusal says what became of a mail. After its text went out, an answer that never came
// says nothing.
func refusal(err error) error {
	f := &SendError{Why: why(err)}
	said, ok := errors.AsType[*mail.SendError](err)
	switch {
	case !ok:
		f.Unsure = true
	case said.ErrorCode() >= 400:
		f.Why = "status " + strconv.Itoa(said.ErrorCode())
	default:
		f.Unsure = said.Reason == mail.ErrSMTPDataClose || said.Reason == mail.ErrWriteContent
	}
	return f
}

func (s *Senders) options() []mail.Option {
	c := s.n.SMTP
	config := &tls.Config{ServerName: c.Host, RootCAs: s.n.Roots, MinVersion: tls.VersionTLS12}
	options := []mail.Option{
		mail.WithTimeout(Timeout), mail.WithHELO(host(string(s.n.Hoster))), mail.WithTLSConfig(config), mail.WithPort(c.Port), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: Timeout}).DialContext(ctx, network, address)
			if err != nil || c.TLS != "tls" {
				return bounded(ctx, conn, err)
			}
			secured := tls.Client(conn, config)
			if err := secured.HandshakeContext(ctx); err != nil {
				_ = conn.Close()
				return nil, err
			}
			return bounded(ctx, secured, nil)
		}),
	}
	switch c.TLS {
	case "starttls":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if c.User != "" {
		auth := mail.SMTPAuthPlain
		if c.TLS != "starttls" {
			auth = mail.SMTPAuthPlainNoEnc // within TLS from the first byte, or on this machine
		}
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(c.User), mail.WithPassword(c.Password))
	}
	return options
}

// bounded is a connection whose one deadline is the context's, whoever sets others.
func bounded(ctx context.Context, conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return untilDone{conn}, nil
}

type untilDone struct{ net.Conn }

// SetDeadline leaves the deadline as it is.
func (untilDone) SetDeadline(time.Time) error { return nil }
