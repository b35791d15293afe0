package xmpp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stanza"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// signInWait is how long a sign-in and a message to oneself may take.
const signInWait = 30 * time.Second

// signIn signs in at the new server with the password that the account had, and writes to itself.
// Without such an account in the settings nothing is tried.
func (m *move) signIn(ctx context.Context, _ recipe.Work) error {
	if m.SignIn == nil {
		return nil
	}
	text, err := os.ReadFile(m.SignIn.PasswordFile)
	if err != nil {
		return recipe.Wrong("sign_in.password_file: " + err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, signInWait)
	defer cancel()
	if err := m.SignIn.try(ctx, m.Domain, strings.TrimRight(string(text), "\r\n")); err != nil {
		return core.Denied("succession.recipe.xmpp.sign_in", err).With("Account", m.SignIn.Account).With("Detail", err.Error())
	}
	return nil
}

// roots are whom the new server's certificate may be from; nil = whom this machine trusts.
func (s SignIn) roots() (*x509.CertPool, error) {
	if s.Trust == "" {
		return nil, nil //nolint:nilnil // crypto/tls reads it so
	}
	text, err := os.ReadFile(s.Trust)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in " + s.Trust)
	}
	return pool, nil
}

func (s SignIn) try(ctx context.Context, domain, password string) error {
	who, err := jid.New(s.Account, domain, "entrechat")
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Server)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // all was said
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at) // a connection has one
	}
	roots, err := s.roots()
	if err != nil {
		return err
	}
	session, err := xmpp.NewClientSession(ctx, who, conn,
		xmpp.StartTLS(&tls.Config{ServerName: domain, RootCAs: roots, MinVersion: tls.VersionTLS12}),
		xmpp.SASL("", password, sasl.ScramSha256, sasl.ScramSha1), xmpp.BindResource())
	if err != nil {
		return err
	}
	token := rand.Text()
	came := make(chan struct{}, 1)
	go func() {
		_ = session.Serve(xmpp.HandlerFunc(func(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
			var got struct {
				Body string `xml:"body"`
			}
			if start.Name.Local == "message" && xml.NewTokenDecoder(xmlstream.Wrap(xmlstream.Inner(t), *start)).Decode(&got) == nil && got.Body == token {
				select {
				case came <- struct{}{}:
				default:
				}
			}
			return nil
		})) // ends with the connection
	}()
	if err := session.Send(ctx, stanza.Presence{Type: stanza.AvailablePresence}.Wrap(nil)); err != nil {
		return err
	}
	body := xmlstream.Wrap(xmlstream.Token(xml.CharData(token)), xml.StartElement{Name: xml.Name{Local: "body"}})
	// The hint of XEP-0334 keeps it out of the archive.
	hint := xmlstream.Wrap(nil, xml.StartElement{Name: xml.Name{Space: "urn:xmpp:hints", Local: "no-store"}})
	if err := session.Send(ctx, stanza.Message{To: session.LocalAddr(), Type: stanza.ChatMessage}.Wrap(xmlstream.MultiReader(body, hint))); err != nil {
		return err
	}
	select {
	case <-came:
		return nil
	case <-ctx.Done():
		return errors.New("signed in, but a message to oneself did not come")
	}
}
