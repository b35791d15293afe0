package incident

import (
	"io/fs"
	"testing/fstest"
)

// watchWords are the sentences of the room's root that our pages link to.
func watchWords() fs.FS {
	text := []byte("[\"watch.menu.targets\"]\nother = \"Services\"\n")
	return fstest.MapFS{"words/fr.toml": {Data: text}, "words/en.toml": {Data: text}}
}
