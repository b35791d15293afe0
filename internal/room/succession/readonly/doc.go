// Package readonly stands in front of a program that runs on restored data, and lets through only what
// reads, and the sign-ins that are named. It is one of two locks: many programs write while
// they are read, so the data itself is made read-only too (PostgreSQL: ALTER ROLE app SET
// default_transaction_read_only = on; MediaWiki: $wgReadOnly).
//
// What never happens: another method passes; a header has the program take one method for another; a
// request that is not a named sign-in passes with POST; a connection is switched to another protocol.
//
// Source: docs/spec/succession.md#rescue
package readonly
