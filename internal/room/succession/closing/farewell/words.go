package farewell

import "embed"

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS
