package blob

import "embed"

// Words are this kit's sentences.
//
//go:embed words/*.toml
var Words embed.FS
