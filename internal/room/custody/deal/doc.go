// Package deal splits the secret of a box among holders, brings each its share, and knows
// which deal of a scope stands.
//
// Words: a deal is one splitting of one secret; its document is what the owner signs and every
// holder keeps. A holder is a member's node, or a person of the owner's. A deal is pending until
// its holders have acknowledged; then it stands, until another deal of its scope does
// (superseded) or its box was opened (burnt).
//
// What never happens: a deal that stands in part; a scope without the deal it had while the next
// one is on its way; a share that its holder did not check; the secret on a disk; a holder that
// no pact or admin of ours made one.
//
// It imports share, recipient, box. Sources: docs/spec/custody.md, RFC 9496, the DSSE envelope.
package deal
