package incident

import "embed"

// Words are the sentences of this folder and those below it, French and English.
//
//go:embed words/*.toml
var Words embed.FS
