// Package federation says to other federations which members this node knows, in the form of
// OpenID Federation 1.0: what we are, and for each member whose people may sign in here, with
// which keys it speaks. All of it is read from the members' cards and from trust. Nothing here
// decides anything: the members themselves read logbooks.
//
// Words: an entity is a member as the standard knows it; its identifier is its issuer. An
// entity configuration is what it says of itself, a subordinate statement what we say of a
// member, each a signed token.
//
// What never happens: we fetch something because a stranger asks. A private key is published.
// A stranger costs more than one signature a minute for each member. A member is given the
// name of another: its issuer's host is its own domain, or one below it.
//
// Source: docs/spec/identity.md#federation, OpenID Federation 1.0
package federation
