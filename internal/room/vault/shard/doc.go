// Package shard cuts a sealed object into shards that prove themselves, puts
// them together again, and says which lenders should keep them. It is pure: no
// disk, no network, no clock.
//
// Words. A sealed object is exactly one age file; its id is the BLAKE3 hash of
// that file, so whatever was joined proves itself. A code K-of-N makes N shards
// of which any K give the object back; with K = 1 every shard is a copy. A shard
// file is a signed header followed by the shard's data, and needs nothing beside
// it: no index, no database.
//
// What never happens: a shard is used before its root was checked; two shards of
// one object are placed in one failure domain; a header means something else
// after it was written (its bytes are signed and kept as they came).
//
// Sources: docs/spec/shard.md; the code is klauspost/reedsolomon's default
// matrix, written down there so that another program can decode it.
//
// spec: docs/spec/shard.md
package shard
