// Package move carries a person's account from one home to another, so that the services of
// every hoster still know them.
//
// Words: a release is a document by which a home lets one of its people go to another
// member; the new home signs it too. The old home then says in its logbook that the release
// counts, by its hash alone. A chain is the releases by which a person came, the oldest first.
//
// The new home shows a person's chain to each hoster where they sign in. A hoster that knows
// the person as a visitor of an old home makes them a visitor of the new one: the same person
// there, and for its services.
//
// What never happens: a release that counts without its home's logbook, or for another person
// or member than it names. A release used twice. A person who is at home elsewhere now made a
// visitor anew on the old home's word. Anything of a person in a logbook.
//
// Source: docs/spec/identity.md#moves
package move
