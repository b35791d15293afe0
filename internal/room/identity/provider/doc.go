// Package provider is the OpenID Provider that the hoster's own services and the other
// members know: who signs in where, with which code, for which tokens.
//
// Words: a flow is a sign-in that a client asked for and that is not through yet; it belongs
// to one browser. A grant is what a person lets a client have by one sign-in; codes and tokens
// hang on it and end with it. A client session is a browser's session as one client knows it.
//
// The protocol's checks are github.com/luikyv/go-oidc's, behind the few functions of
// engine.go. What it reads and writes for one request is collected (work.go) and written in
// one transaction before the answer leaves: a code is used by one request only, whatever
// arrives at once, and a killed process has done all of it or nothing.
//
// What never happens: a flow that goes on in another browser than it began in. A code, a
// refresh token, or a signed request taken twice. A code used twice whose tokens still hold.
// A redirect to an address that is not the client's, sign for sign. A token kept readable.
// A request to an address that a stranger chose.
//
// Source: docs/spec/identity.md; OpenID Connect Core 1.0, RP-Initiated Logout 1.0 and
// Back-Channel Logout 1.0; RFC 6749, 6750, 7009, 7523, 7636, 7662, 9101, 9126, 9207, 9700
package provider
