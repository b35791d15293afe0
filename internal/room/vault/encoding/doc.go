// Package encoding makes shards of a sealed object, and the object of its shards, in windows:
// an object of any size costs little memory. The code itself is the package shard's.
//
// Words. Pieces are the shards of one object on this disk; to repair is to compute the data
// shards that are missing from those at hand.
//
// Sources: docs/spec/shard.md.
package encoding
