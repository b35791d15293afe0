// Package holder keeps shards for other members and fetches ours back from
// them: one interface, here (Local), served (Routes), and over the wire (Remote).
//
// Words. The owner is the member whose object a shard belongs to; the holder keeps
// it. A receipt is the holder's signed word that it has verified a shard and put it on
// disk. A tombstone, signed by the prune key the shard's header names, deletes: a
// deleted shard is kept 30 days more, counts in the quota, and only the owner
// needs to speak to undelete it again. Readers are members the owner named to read
// for it.
//
// What never happens: a byte is written beyond the pact; a shard is on disk
// under a name before its hashes were checked; a shard is overwritten; a read
// is refused to its owner because a pact ended, a disk is full or a key was
// replaced; anything is freed before 30 days by the holder's own clock.
//
// The files under <data>/store are the truth; the tables are quota and list and
// are made again from the files when they are lost.
//
// Sources: docs/spec/shard.md, docs/spec/holder.md; restic's REST server for
// what a store must refuse.
//
// spec: docs/spec/holder.md
package holder
