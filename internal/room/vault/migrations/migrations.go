// Package migrations carries the vault's tables, those of the owner's side and
// those of the holder's, in one order.
package migrations

import "embed"

// Files are the goose files, for db.Migrate with the name "vault".
//
//go:embed *.sql
var Files embed.FS
