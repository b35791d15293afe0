package share

import "embed"

// Words are the sentences of shares, French and English.
//
//go:embed words/*.toml
var Words embed.FS
