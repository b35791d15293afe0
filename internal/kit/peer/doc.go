// Package peer is how members talk: HTTPS requests signed with HTTP Message
// Signatures (RFC 9421) in one fixed profile, served behind strict limits. It
// knows neither trust nor any room; a route says what it wants, the caller who
// it is for. Dialer and clock can be replaced, so that a hundred nodes run in one
// test.
//
// Source: docs/spec/peer.md.
package peer
