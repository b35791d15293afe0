// Package removal takes files out of a backup and brings them back: here at once, at the
// members by tombstones that only the prune token signs. Members keep what they delete for
// 30 days, and undelete it when we ask.
//
// Sources: docs/spec/holder.md#tombstone.
package removal
