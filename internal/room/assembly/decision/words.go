package decision

import "embed"

// Words are this folder's sentences.
//
//go:embed words/*.toml
var Words embed.FS
