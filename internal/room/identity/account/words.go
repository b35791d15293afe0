package account

import "embed"

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS
