package app

import (
	"io/fs"

	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
)

// allWords are the sentences of every kit and room.
func allWords() []fs.FS {
	return append([]fs.FS{Words, blob.Words, logbook.Words, peer.Words, web.Words}, roomWords()...)
}
