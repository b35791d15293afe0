// Package chat looks at servers of conversation: XMPP, as a client and as another server
// come to it, and the federation of Matrix.
//
// What never happens: an account is tried, a stanza is sent, a certificate counts that is
// not the domain's: the host that a record leads to proves nothing.
//
// The opening of an XMPP stream is read here with encoding/xml: it has three elements, and a
// look wants the time of each part and a bound on what it reads.
//
// Source: docs/spec/watch.md#looks; RFC 6120, RFC 7590, XEP-0368; Matrix server-server API
// v1.16, "Server discovery" and "Retrieving server keys".
package chat
