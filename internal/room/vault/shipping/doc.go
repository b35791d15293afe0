// Package shipping takes a file from restic into the local store, and places it at the
// members: sealed, encoded, sent as shards, receipts written down.
//
// Words. An object is waiting until enough shards lie on distinct failure domains, then safe,
// then placed; the spool is what waits on our disk. To encode anew is to give a file another
// sealed form with another code: shards of one object never mix two codes.
//
// What never happens: a file is acknowledged before its sealed form is on this disk (fsync of
// the file, its folder and its row); a file is sealed twice under one id; a shard counts
// whose receipt is not written down; a data file leaves this disk before the row that names
// it says so.
package shipping
