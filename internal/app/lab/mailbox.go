package lab

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Letter is one mail that arrived.
type Letter struct {
	At   time.Time
	From string
	To   []string
	Text string // headers and body, as they came
}

// Subject is its subject line.
func (l Letter) Subject() (string, error) {
	m, err := mail.ReadMessage(strings.NewReader(l.Text))
	if err != nil {
		return "", fmt.Errorf("read a mail: %w", err)
	}
	return new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
}

// Mailbox takes every mail that is sent to it. Safe for concurrent use.
type Mailbox struct {
	Address string // host:port
	server  *smtp.Server
	mu      sync.Mutex
	letters []Letter
	news    chan struct{} // closed and made anew with each letter
}

// NewMailbox starts one on loopback. Close ends it.
func NewMailbox() (*Mailbox, error) { return MailboxAt("127.0.0.1:0") }

// MailboxAt starts one at an address, host:port. Close ends it.
func MailboxAt(address string) (*Mailbox, error) {
	var d net.ListenConfig
	l, err := d.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	m := &Mailbox{Address: l.Addr().String(), news: make(chan struct{})}
	m.server = smtp.NewServer(m)
	m.server.MaxMessageBytes = 1 << 20
	m.server.ReadTimeout, m.server.WriteTimeout = 30*time.Second, 30*time.Second
	go m.server.Serve(l) //nolint:errcheck // it ends with Close
	return m, nil
}

// Close ends it.
func (m *Mailbox) Close() error { return m.server.Close() }

// Letters are all that came, oldest first.
func (m *Mailbox) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Letter(nil), m.letters...)
}

// Await waits for a letter that fits, among those that came too.
func (m *Mailbox) Await(ctx context.Context, fits func(Letter) bool) (Letter, error) {
	for {
		m.mu.Lock()
		all, news := m.letters, m.news
		m.mu.Unlock()
		for _, l := range all {
			if fits(l) {
				return l, nil
			}
		}
		select {
		case <-ctx.Done():
			return Letter{}, fmt.Errorf("no such letter among %d: %w", len(all), ctx.Err())
		case <-news:
		}
	}
}

// NewSession is part of smtp.Backend.
func (m *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{box: m}, nil }

// delivery is one connection.
type delivery struct {
	box    *Mailbox
	letter Letter
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	d.letter.From = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.letter.To = append(d.letter.To, to)
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read a mail: %w", err)
	}
	d.letter.Text, d.letter.At = string(text), time.Now()
	d.box.mu.Lock()
	defer d.box.mu.Unlock()
	d.box.letters = append(d.box.letters, d.letter)
	close(d.box.news)
	d.box.news = make(chan struct{})
	return nil
}

func (d *delivery) Reset() { d.letter = Letter{} }

func (d *delivery) Logout() error { return nil }
