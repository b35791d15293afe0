package record

import "embed"

// Words are the sentences about a decision, French and English.
//
//go:embed words/*.toml
var Words embed.FS
