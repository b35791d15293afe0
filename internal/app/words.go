package app

import (
	"io/fs"

	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wording"
)

// allWords are the sentences of every kit and room.
func allWords() []fs.FS {
	rooms := modules()
	all := append(make([]fs.FS, 0, 7+len(rooms)), Words, blob.Words, console.Words, logbook.Words, peer.Words, web.Words, wording.Words)
	for _, m := range rooms {
		all = append(all, m.words...)
	}
	return all
}
