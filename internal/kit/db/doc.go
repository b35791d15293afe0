// Package db opens SQLite or PostgreSQL behind one portable SQL text and gives
// rooms four verbs: One, All, Exec and Tx. Rooms write `$1` placeholders, BIGINT
// microseconds, TEXT keys and BYTEA; see docs/spec/sql.md for what differs.
package db
