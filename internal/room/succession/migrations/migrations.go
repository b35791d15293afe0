// Package migrations carries the room's tables.
package migrations

import "embed"

// Files are the goose files, for db.Migrate with the name "succession".
//
//go:embed *.sql
var Files embed.FS
