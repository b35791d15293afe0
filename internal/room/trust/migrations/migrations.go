// Package migrations carries the room's tables, in one order.
package migrations

import "embed"

// Files are the goose files, for db.Migrate with the name "trust".
//
//go:embed *.sql
var Files embed.FS
