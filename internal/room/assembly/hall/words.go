package hall

import "embed"

// Words are the sentences of the pages of decisions, French and English.
//
//go:embed words/*.toml
var Words embed.FS
