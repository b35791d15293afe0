// Package dbtest gives a store test every engine: SQLite in a temporary file,
// and a PostgreSQL cluster of its own, made when first needed, without fsync, on
// a Unix socket, gone when the test binary ends, however it ends.
package dbtest
