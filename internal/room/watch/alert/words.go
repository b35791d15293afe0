package alert

import "embed"

// Words are the sentences of alerts, French and English.
//
//go:embed words/*.toml
var Words embed.FS
