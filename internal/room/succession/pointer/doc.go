// Package pointer gives the secret that opens one backup to who takes it over, and opens the
// backup with it.
//
// Words. A pointer is that secret; the vault makes it and reads with it. A letter is one on its
// way: an age file to the adopter's node.
//
// It imports promise and no other folder of the room. Source: docs/spec/succession.md#pointer.
package pointer
