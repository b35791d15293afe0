// Package db opens the node's one database, SQLite in a file or a PostgreSQL
// server, behind one SQL text: $1 places, times as BIGINT microseconds, TEXT keys.
//
// A room's store calls [One], [All] and [Exec] on the [DB] or, inside
// [DB.Tx], on the transaction. What both engines promise is the same: a
// transaction is serializable, and a commit that returned nil is on the disk.
package db
