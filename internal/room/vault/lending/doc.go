// Package lending is what this node does for other members: it stores their shards, gives
// them back, proves that they are there, and deletes them when it is told to.
//
// Words. A Store is the disk (one file for each shard) and the records of it in the
// database; a view is the Store as one member sees it, and decides what that member may.
// A shard's record is reserved while it is received, stored, broken when its file is not
// what its head says, leaving on its way to the trash.
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
package lending
