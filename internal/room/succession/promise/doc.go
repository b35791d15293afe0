// Package promise knows which members were named to take services over: our own word, and that
// of every member in its logbook.
//
// Words: a naming is what an owner said last of one service; since is from when a member was
// named for it without a gap.
//
// What never happens: a member counts that its owner took back; a later word makes somebody a
// successor earlier.
//
// Source: docs/spec/succession.md#successors
package promise
