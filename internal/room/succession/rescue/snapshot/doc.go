// Package snapshot restores one snapshot of a restic repository with the stock program, and makes
// what came out a tree that nobody writes in and that leads nowhere else.
//
// Words: sealed is a tree without links, devices and rights to write.
//
// What never happens: a restore that was not verified by restic counts as one.
//
// Source: docs/spec/succession.md#rescue
package snapshot
