package need

import "embed"

// Words are the sentences about needs, French and English.
//
//go:embed words/*.toml
var Words embed.FS
