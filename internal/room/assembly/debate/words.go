package debate

import "embed"

// Words are the sentences about debates, French and English.
//
//go:embed words/*.toml
var Words embed.FS
