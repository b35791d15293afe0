package channel

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"net"
	"strconv"
	"strings"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/ping"
	"mellium.im/xmpp/stanza"

	"entrechat/internal/room/watch/alert/contact"
)

// xmpp writes from the node's own account, over its own server, which may stand on a
// private address as the mail server may.
func (s *Senders) xmpp(ctx context.Context, to contact.Channel, m Message) error {
	account, err := jid.Parse(s.n.XMPP.JID)
	reader, err2 := jid.Parse(to.Address)
	if s.n.XMPP.JID == "" || err != nil || err2 != nil {
		return &SendError{Why: "unset"}
	}
	conn, err := s.stream(ctx, account.Domainpart())
	if err != nil {
		return &SendError{Why: why(err)}
	}
	defer func() { _ = conn.Close() }()
	config := &tls.Config{ServerName: account.Domainpart(), RootCAs: s.n.Roots, MinVersion: tls.VersionTLS12}
	session, err := xmpp.NewClientSession(ctx, account, conn,
		xmpp.StartTLS(config), xmpp.SASL("", s.n.XMPP.Password, sasl.ScramSha256, sasl.ScramSha1, sasl.Plain), xmpp.BindResource())
	if err != nil {
		return &SendError{Why: why(err)}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = session.Serve(nil) // ends with the connection
	}()
	defer func() {
		_ = conn.Close()
		<-done
	}()
	text := xmlstream.Wrap(xmlstream.Token(xml.CharData(m.Title+"\n"+m.body())), xml.StartElement{Name: xml.Name{Local: "body"}})
	message := stanza.Message{ID: transaction(m.Key), To: reader, Type: stanza.ChatMessage}
	if err := session.Send(ctx, message.Wrap(text)); err != nil {
		return &SendError{Why: why(err), Unsure: true}
	}
	// The server takes stanzas in their order: its answer to a ping says it has the message.
	if err := ping.Send(ctx, session, account.Domain()); err != nil {
		return &SendError{Why: why(err), Unsure: true}
	}
	return nil
}

// stream connects to the account's server.
func (s *Senders) stream(ctx context.Context, domain string) (net.Conn, error) {
	address := s.n.XMPP.Server
	if address == "" {
		address = net.JoinHostPort(domain, "5222")
		if _, records, err := net.DefaultResolver.LookupSRV(ctx, "xmpp-client", "tcp", domain); err == nil && len(records) > 0 {
			address = net.JoinHostPort(strings.TrimSuffix(records[0].Target, "."), strconv.Itoa(int(records[0].Port)))
		}
	}
	conn, err := (&net.Dialer{Timeout: Timeout}).DialContext(ctx, "tcp", address)
	return bounded(ctx, conn, err)
}
