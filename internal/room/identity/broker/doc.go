// Package broker signs people of other members in at our services, and ours at theirs.
//
// Words: away is a sign-in that was sent to a person's home and is not back yet. Consent is
// a person's word that a member may be told who they are.
//
// At the services' side: a person names their home (remembered, typed, or picked), the node
// asks that home with a pushed, signed request, the browser goes there and comes back with a
// code, and the home's signed answer becomes a visitor's session. At the home's side the
// provider does the work; here stand which members it knows, and what each person agreed to.
//
// What never happens: an answer taken from another member than the one that was asked, in
// another browser, or twice. A key, an address or a right of a member that is not from its
// logbook. A visitor vouched for as one of ours. A member told anything of a person who did
// not agree. A request to a private address because a stranger named it.
//
// Source: docs/spec/identity.md; OpenID Connect Core 1.0, Back-Channel Logout 1.0; RFC 7033,
// 7523, 7636, 9101, 9126, 9207
package broker
