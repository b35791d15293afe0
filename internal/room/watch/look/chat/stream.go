package chat

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"entrechat/internal/room/watch/look"
)

// The names of what we look for, as encoding/xml gives them: name space and local name.
const (
	streamSpace = "http://etherx.jabber.org/streams"
	tlsSpace    = "urn:ietf:params:xml:ns:xmpp-tls"
	startTLS    = tlsSpace + " starttls"
	mechanisms  = "urn:ietf:params:xml:ns:xmpp-sasl mechanisms"
)

const (
	maxDepth    = 16  // of elements
	maxElements = 200 // of one opening
)

// stream is one XMPP stream over a connection.
type stream struct {
	c  net.Conn
	in *xml.Decoder
}

func newStream(c net.Conn) *stream {
	return &stream{c: c, in: xml.NewDecoder(bufio.NewReader(io.LimitReader(c, look.MaxRead)))}
}

// open opens the stream and reads the names of the server's features.
func (s *stream) open(space, domain string) ([]string, error) {
	var to strings.Builder
	if err := xml.EscapeText(&to, []byte(domain)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(s.c, `<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='%s' xmlns:stream='%s'>`,
		to.String(), space, streamSpace); err != nil {
		return nil, err
	}
	return features(s.in)
}

// end closes the stream politely; the connection ends anyway.
func (s *stream) end() { _, _ = io.WriteString(s.c, "</stream:stream>") }

// startTLS asks to go over to TLS.
func (s *stream) startTLS() error {
	if _, err := io.WriteString(s.c, "<starttls xmlns='"+tlsSpace+"'/>"); err != nil {
		return err
	}
	start, err := element(s.in)
	if err != nil {
		return err
	}
	if name(start) != tlsSpace+" proceed" {
		return look.Fail(look.TLS, "to STARTTLS the server answers <%.40s>", start.Name.Local)
	}
	return nil
}

// features reads the head of a stream and the names of the features after it. Errors of the
// stream are of class Content.
func features(in *xml.Decoder) ([]string, error) {
	head, err := element(in)
	if err != nil {
		return nil, err
	}
	if name(head) != streamSpace+" stream" {
		return nil, look.Fail(look.Content, "this is not XMPP: <%.40s>", head.Name.Local)
	}
	list, err := element(in)
	if err != nil {
		return nil, err
	}
	inside, err := children(in)
	if err != nil {
		return nil, err
	}
	switch name(list) {
	case streamSpace + " features":
		return inside, nil
	case streamSpace + " error":
		return nil, look.Fail(look.Content, "the server ends the stream: %.80s", strings.Join(locals(inside), " "))
	}
	return nil, look.Fail(look.Content, "instead of features the server sends <%.40s>", list.Name.Local)
}

// element reads the next start of an element.
func element(in *xml.Decoder) (xml.StartElement, error) {
	for range maxElements {
		t, err := in.Token()
		if err != nil {
			return xml.StartElement{}, unreadable(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, look.Fail(look.Content, "the server closes the stream")
		case xml.Directive:
			return xml.StartElement{}, look.Fail(look.Content, "the server sends a document type")
		}
	}
	return xml.StartElement{}, look.Fail(look.Content, "the server sends no element")
}

// children reads to the end of an element and gives the names of its children.
func children(in *xml.Decoder) ([]string, error) {
	var out []string
	depth := 1
	for range maxElements {
		t, err := in.Token()
		if err != nil {
			return nil, unreadable(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 1 {
				out = append(out, name(t))
			}
			if depth++; depth > maxDepth {
				return nil, look.Fail(look.Content, "elements deeper than %d", maxDepth)
			}
		case xml.EndElement:
			if depth--; depth == 0 {
				return out, nil
			}
		case xml.Directive:
			return nil, look.Fail(look.Content, "the server sends a document type")
		}
	}
	return nil, look.Fail(look.Content, "more than %d parts of XML", maxElements)
}

func name(t xml.StartElement) string { return t.Name.Space + " " + t.Name.Local }

func locals(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		_, out[i], _ = strings.Cut(n, " ")
	}
	return out
}

// unreadable makes bad XML an unexpected answer; an error of the connection stays one.
func unreadable(err error) error {
	if bad, ok := errors.AsType[*xml.SyntaxError](err); ok {
		if strings.Contains(bad.Msg, "unexpected EOF") {
			return io.ErrUnexpectedEOF
		}
		return look.Fail(look.Content, "this is not XML as XMPP has it: %v", err)
	}
	return err
}
