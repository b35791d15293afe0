// Package client holds the services that sign people in here, and what each of them was ever
// told of a person.
//
// Words: a client is one service of the hoster, or another member. A template is what we know
// of one software: where it wants people back, which signature and which names it can read. A
// subject is what a client was told of a person: `sub`, username, address.
//
// What never happens: a username or an address that a client was told of one person told it
// of another. A subject that changes: services find accounts by it. A secret kept readable.
//
// Source: docs/spec/identity.md; OpenID Connect Dynamic Client Registration 1.0 section 2
package client
