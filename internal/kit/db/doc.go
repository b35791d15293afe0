// Package db opens the node's one database, SQLite in a file or a PostgreSQL
// server, behind one SQL text: $1 places, times as BIGINT microseconds, TEXT keys.
//
// A room's store calls [One], [All] and [Exec] on the [DB] or, inside
// [DB.Tx], on the transaction. What both engines promise is the same: a
// transaction is serializable, and a commit that returned nil is on the disk.
//
// What means the same on both engines (measured on SQLite 3 and PostgreSQL 15):
// TEXT, BIGINT, BOOLEAN and BYTEA columns; $1 in any order and reused; RETURNING;
// ON CONFLICT DO UPDATE or NOTHING; count(*) FILTER; windows; NULLS LAST; partial
// indexes; CHECK; IN ($1, $2).
//
// What does not, and is therefore not written here: time columns (microseconds
// in BIGINT, named *_us), identity columns (hashes and UUIDv7 as TEXT), BLOB,
// STRICT, = ANY($1), SKIP LOCKED, UPDATE inside WITH, greatest(). LIKE ignores case
// on SQLite: compare lower() with lower(). sum() and avg() may come back as text:
// scan with [Int64]. SQLite takes any text in a BIGINT: rules check before stores
// write.
package db
