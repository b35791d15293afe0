package status

import "embed"

// Words are the sentences of this folder and those below, French and English.
//
//go:embed words/*.toml
var Words embed.FS
