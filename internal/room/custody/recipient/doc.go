// Package recipient has what shares are encrypted to on their way to a member's node: an
// age key of each node's own, the public half in its logbook.
//
// It imports no other folder of the room. Sources: the age format v1 (C2SP),
// docs/spec/custody.md.
package recipient
