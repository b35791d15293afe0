// Package subscribe writes to users who asked for it: of incidents and maintenance of one
// hoster or one service, by mail, and to public topics.
//
// Words: a subscriber is one address that asked for one hoster or service. An event is
// one thing to write about. A topic is a public ntfy channel of the hoster.
//
// What never happens: a mail, but the one that asks, to an address that did not confirm.
// An answer by which a stranger learns whether an address is subscribed. A click too many
// to get out.
//
// Source: RFC 8058; docs/spec/watch.md
package subscribe
