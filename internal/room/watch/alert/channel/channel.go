package channel

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
)

// Timeout bounds one try on one channel.
const Timeout = 10 * time.Second

// Message is what is carried. Title is one line; Text is lines of plain text.
type Message struct {
	// Key is the same for each try of one message to one person: where a channel's protocol
	// drops doubles, it drops them by this.
	Key         string
	Title, Text string
	Link        string // a web address; may be empty
	Kind        string // "down", "recovered": for programs
	Owner       core.MemberID
	Services    []string
	At          core.Moment
	Over        core.Moment // when it ended; zero while it lasts
	Urgent      bool
	Lang        string
	// Out is where a reader of a mail unsubscribes by one click; empty = no such header.
	Out string
}

// Sender carries messages by one kind of channel.
type Sender interface {
	Send(ctx context.Context, to contact.Channel, m Message) error
}

// SendError is why a message was not carried. Its text is one of a few words, because what
// libraries say has addresses and tokens in it.
type SendError struct {
	Why    string // "refused", "timeout", "tls", "dns", "blocked", "status 503", "unset", "rejected"
	Unsure bool   // it may have arrived all the same
}

// NotDelivered begins the text of each SendError.
const NotDelivered = "not delivered: "

func (f *SendError) Error() string { return NotDelivered + f.Why }

// Unsure says whether a message that failed so may have arrived.
func Unsure(err error) bool {
	f, ok := errors.AsType[*SendError](err)
	return err != nil && (!ok || f.Unsure)
}

// SMTP is the hoster's own mail server. An empty Host: this node sends no mail.
type SMTP struct {
	Host     string
	Port     int
	TLS      string // starttls (must), tls (from the first byte), none (a server on this machine)
	User     string // empty = without a login
	Password string
	From     string // "entrechat@chaton-a.test"
}

// Account is the node's own XMPP account. An empty JID: this node writes no such message.
type Account struct {
	JID, Password string
	Server        string // host:port; empty = as the domain's SRV record says
}

// Needs is what senders are made of.
type Needs struct {
	SMTP SMTP
	XMPP Account
	// Private allows plain http and private addresses: for demos and tests.
	Private bool
	Roots   *x509.CertPool // nil = the system's
	// Hoster is who sends, for the names of mails.
	Hoster core.MemberID
	// Timeout bounds one try; 0 = Timeout.
	Timeout time.Duration
}

// Senders carries messages by every kind. Safe for concurrent use.
type Senders struct {
	n    Needs
	http *http.Client
}

// New makes the senders. It calls nobody.
func New(n Needs) *Senders {
	if n.Timeout == 0 {
		n.Timeout = Timeout
	}
	return &Senders{n, guarded(n)}
}

// Send carries a message within Timeout. Its errors are *SendError, or the context's own.
func (s *Senders) Send(ctx context.Context, to contact.Channel, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.n.Timeout)
	defer cancel()
	m.Title, m.Link = contact.Short(m.Title, 200), contact.Clean(m.Link)
	switch to.Kind {
	case contact.Mail:
		return s.mail(ctx, to, m)
	case contact.XMPP:
		return s.xmpp(ctx, to, m)
	case contact.Ntfy, contact.Gotify, contact.Matrix, contact.Webhook, contact.Mastodon, contact.Alertmanager:
		return s.web(ctx, to, m)
	}
	return &SendError{Why: "unset"}
}

// body is the text of a message with its link.
func (m Message) body() string {
	if m.Link == "" {
		return m.Text
	}
	return m.Text + "\n\n" + m.Link
}
