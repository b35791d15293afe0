package elector

import "embed"

// Words are the sentences about who decides, French and English.
//
//go:embed words/*.toml
var Words embed.FS
