package subscribe

import "embed"

// Words are the sentences of subscriptions, French and English.
//
//go:embed words/*.toml
var Words embed.FS
