// Package record keeps what our own looks found.
//
// A look goes through three forms. Raw, it lies in a block together with the looks of the
// same seconds: one writer puts them down in one transaction a second. When an hour is
// over, the looks of one target in it become one chunk, and their sums one row; the sums
// of its day are made anew. A day later the chunks of a target that has few looks become
// one. Raw looks stay 14 days, chunks and sums of hours 13 months,
// sums of days for ever.
//
// Words: a series is all looks of one target, named by a small number. A block is raw
// looks of some seconds, of all targets. A chunk is one hour, or one day, of one series. Presence is
// when we ran, and whether we were fit to look.
//
// What never happens: a look waits for the database. A look that was written is lost by
// kill -9. An hour is cut short because we were killed while its chunks were made: they
// are made again. Old rows are deleted in large batches. What we did not look at counts as
// up or down.
//
// Source: docs/design.md section 8.
package record

import "embed"

// Words are the sentences of this folder, French and English.
//
//go:embed words/*.toml
var Words embed.FS
