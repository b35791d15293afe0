// Package migrations carries the directory's tables, those of its packages too, in
// one order.
package migrations

import "embed"

// Files are the goose files, for db.Migrate with the name "directory".
//
//go:embed *.sql
var Files embed.FS
