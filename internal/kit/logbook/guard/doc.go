// Package guard lets our own log be written when that is safe: no other node runs with our
// key, what is on the disk is what was signed, and members that hold our log have no more
// of it than we do.
// spec: docs/spec/exchange.md#guard
package guard
