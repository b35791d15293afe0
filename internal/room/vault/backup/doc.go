// Package backup is one restic repository as this node has it, called a backup on pages:
// its row, its secrets, its record at the members, and whether its stored password opens a
// key. The record brings all of it back from nothing.
//
// Sources: docs/spec/shard.md#record.
package backup
