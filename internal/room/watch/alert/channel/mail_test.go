package channel

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
)

// mailbox is a real SMTP server in this process.
type mailbox struct {
	port   int
	mu     sync.Mutex
	got    []letter
	refuse error
}

type letter struct{ from, to, user, text string }

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }

type session struct {
	box *mailbox
	letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = to; return s.box.refuse }
func (s *session) Reset()                                      {}
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.text = string(text)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.got = append(s.box.got, s.letter)
	return nil
}

func (b *mailbox) last(t *testing.T) letter {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.got) == 0 {
		t.Fatal("no letter came")
	}
	return b.got[len(b.got)-1]
}

// certificate is one for localhost, with the pool that trusts it.
func certificate(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serveMail starts a server that speaks TLS as mode says.
func serveMail(t testing.TB, mode string) (*mailbox, *x509.CertPool) {
	t.Helper()
	cert, pool := certificate(t, "localhost")
	b := &mailbox{}
	server := smtp.NewServer(b)
	server.Domain = "localhost"
	server.AllowInsecureAuth = mode == "none"
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	if mode == "starttls" {
		server.TLSConfig = config
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.port = l.Addr().(*net.TCPAddr).Port
	if mode == "tls" {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return b, pool
}

func settings(port int, mode string) SMTP {
	return SMTP{Host: "localhost", Port: port, TLS: mode, From: "entrechat@chaton-a.test", User: "node", Password: "secret"}
}

var toAna = contact.Channel{ID: "mail", Kind: contact.Mail, Address: "ana@elsewhere.test"}

func message() Message {
	return Message{
		Key: "k1/ana/oncall", Title: "En panne : Pad été", Text: "Le pad ne répond plus.\nVu par 5.", Link: "https://chaton-b.test/watch/ack/x",
		Kind: "down", Owner: "chaton-a.test", Services: []string{"Pad"}, At: core.Moment(1_800_000_000_000_000), Urgent: true, Lang: "fr",
	}
}

func TestMailEachWay(t *testing.T) {
	for _, mode := range []string{"starttls", "tls", "none"} {
		t.Run(mode, func(t *testing.T) {
			box, pool := serveMail(t, mode)
			s := New(Needs{SMTP: settings(box.port, mode), Roots: pool, Hoster: "chaton-a.test"})
			m := message()
			m.Out = "https://chaton-a.test/watch/out/1/abc"
			if err := s.Send(t.Context(), toAna, m); err != nil {
				t.Fatal(err)
			}
			got := box.last(t)
			parsed, err := mail.ReadMessage(strings.NewReader(got.text))
			if err != nil {
				t.Fatal(err)
			}
			if got.from != "entrechat@chaton-a.test" || got.to != toAna.Address || got.user != "node" {
				t.Errorf("envelope %+v", got)
			}
			for name, want := range map[string]string{
				"List-Unsubscribe": "<https://chaton-a.test/watch/out/1/abc>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
				"Auto-Submitted": "auto-generated", "Message-Id": "<" + transaction(m.Key) + "@chaton-a.test>",
			} {
				if parsed.Header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, parsed.Header.Get(name), want)
				}
			}
		})
	}
}

// A certificate nobody vouches for, or a server without TLS where TLS is asked for, gets
// no mail and no password.
func TestMailRefusesWeakTLS(t *testing.T) {
	box, _ := serveMail(t, "starttls")
	plain, pool := serveMail(t, "none")
	for name, s := range map[string]*Senders{
		"unknown certificate": New(Needs{SMTP: settings(box.port, "starttls"), Hoster: "chaton-a.test"}),
		"no STARTTLS":         New(Needs{SMTP: settings(plain.port, "starttls"), Roots: pool, Hoster: "chaton-a.test"}),
	} {
		err := s.Send(t.Context(), toAna, message())
		f, ok := errors.AsType[*SendError](err)
		if !ok || f.Unsure || f.Why != "tls" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(box.got)+len(plain.got) != 0 {
		t.Error("a mail went out")
	}
}

func TestMailRefused(t *testing.T) {
	box, pool := serveMail(t, "starttls")
	box.refuse = &smtp.SMTPError{Code: 550, Message: "ana@elsewhere.test unknown"}
	s := New(Needs{SMTP: settings(box.port, "starttls"), Roots: pool, Hoster: "chaton-a.test"})
	err := s.Send(t.Context(), toAna, message())
	if err == nil || Unsure(err) || err.Error() != "not delivered: status 550" {
		t.Errorf("%v", err)
	}
}

// TestMailHangs: a server that hangs at any moment keeps us for the bound, no longer; only
// after the text went out the mail may have arrived.
func TestMailHangs(t *testing.T) {
	script := []string{"220 hi", "250 hello", "250 from", "250 to", "354 go"}
	for stop := range len(script) + 1 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			buf := make([]byte, 4096)
			for i, line := range script {
				if i == stop {
					return
				}
				_, _ = io.WriteString(c, line+"\r\n")
				_, _ = c.Read(buf)
			}
		}()
		c := settings(l.Addr().(*net.TCPAddr).Port, "none")
		c.User = ""
		s := New(Needs{SMTP: c, Hoster: "chaton-a.test", Timeout: 300 * time.Millisecond})
		begun := time.Now()
		err = s.Send(t.Context(), toAna, message())
		if err == nil || time.Since(begun) > 5*time.Second {
			t.Errorf("stopped before line %d: %v after %s", stop, err, time.Since(begun))
		}
		if Unsure(err) != (stop == len(script)) {
			t.Errorf("stopped before line %d: unsure = %v (%v)", stop, Unsure(err), err)
		}
	}
}

// TestMailHeaders: whatever stands in any field, the letter has the headers we wrote, each
// once, and one text.
func TestMailHeaders(t *testing.T) {
	s := New(Needs{SMTP: settings(25, "starttls"), Hoster: "chaton-a.test"})
	want := []string{
		"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Importance", "List-Unsubscribe", "List-Unsubscribe-Post",
		"Message-Id", "Mime-Version", "Priority", "Subject", "To", "User-Agent", "X-Mailer", "X-Msmail-Priority", "X-Priority",
	}
	rapid.Check(t, func(r *rapid.T) {
		evil := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"x\r\nBcc: eve@evil.test", "x\nSubject: y\n\nbody", "\r\n.\r\nQUIT", "x\u2028Bcc: a", "=?utf-8?q?a=0D=0ABcc:_eve@evil.test?=", "a\x00b", "\xff\xfe",
		}))
		m := message()
		m.Title, m.Text, m.Link, m.Key = evil.Draw(r, "title"), evil.Draw(r, "text"), evil.Draw(r, "link"), evil.Draw(r, "key")
		m.Out = rapid.OneOf(evil, rapid.Just("https://a.test/x\r\nBcc: e@e.test")).Draw(r, "out")
		m.Kind, m.Services, m.Owner = evil.Draw(r, "kind"), []string{evil.Draw(r, "service")}, core.MemberID(evil.Draw(r, "owner"))
		m.Title, m.Link = contact.Short(m.Title, 200), contact.Clean(m.Link)
		to := toAna
		if rapid.Bool().Draw(r, "bad address") {
			to.Address = evil.Draw(r, "address")
		}
		out, err := s.letter(to, m)
		if err != nil {
			return
		}
		var buf bytes.Buffer
		if _, err := out.WriteTo(&buf); err != nil {
			r.Fatal(err)
		}
		parsed, err := mail.ReadMessage(&buf)
		if err != nil {
			r.Fatal(err)
		}
		for name, values := range parsed.Header {
			known := false
			for _, w := range want {
				known = known || w == name
			}
			if !known || len(values) != 1 {
				r.Errorf("header %s: %q", name, values)
			}
		}
		if list, err := mail.ParseAddressList(parsed.Header.Get("To")); err != nil || len(list) != 1 {
			r.Errorf("To: %q", parsed.Header.Get("To"))
		}
	})
}

func FuzzMailbox(f *testing.F) {
	f.Add("ana@elsewhere.test")
	f.Add("ana@elsewhere.test\r\nRCPT TO:<eve@evil.test>")
	f.Add("\"a b\"@x.test, eve@evil.test")
	f.Fuzz(func(t *testing.T, s string) {
		box, ok := contact.Mailbox(s)
		if ok && (strings.ContainsAny(box, "\r\n <>,;\x00") || strings.Count(box, "@") != 1) {
			t.Errorf("%q", s)
		}
	})
}

func TestMailWithoutSettings(t *testing.T) {
	err := New(Needs{Hoster: "chaton-a.test"}).Send(t.Context(), toAna, message())
	if err == nil || Unsure(err) {
		t.Error(err)
	}
	for name, c := range map[string]SMTP{
		"from": {Host: "h", Port: 25, TLS: "tls", From: "x"}, "port": {Host: "h", TLS: "tls", From: "a@b.test"}, "tls": {Host: "h", Port: 1, TLS: "x", From: "a@b.test"},
		"password in the clear": {Host: "mail.b.test", Port: 25, TLS: "none", From: "a@b.test", User: "node"},
	} {
		if c.Check() == nil {
			t.Error(name)
		}
	}
}
