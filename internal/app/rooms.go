package app

import (
	"context"
	"io/fs"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
)

// rooms are the capabilities of an open node. This file is the only list of them.
type rooms struct {
	fittings []fit.Fittings
}

func (a *App) openRooms(context.Context) error { return nil }

func (a *App) readers() []logbook.Reader {
	var all []logbook.Reader
	for _, f := range a.fittings {
		all = append(all, f.Readers...)
	}
	return all
}

// roomWords are the rooms' sentences.
func roomWords() []fs.FS { return nil }

// roomCommands are the rooms' commands.
func (l *line) roomCommands() []*cobra.Command { return nil }
