package succession

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/move"
	"entrechat/internal/room/succession/readonly"
)

// openMoves makes what runs recipes.
func (r *Room) openMoves() *move.Service {
	return move.New(move.Needs{DB: r.DB, Dir: filepath.Join(r.Dir, "move"), Recipes: Recipes(), Domains: r.Domains, Now: r.Now})
}

func moveCommands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	moves := move.Commands(p, Recipes(), console.Part(open, func(r *Room) *move.Service { return r.Moves }))
	return append(moves, readonly.Command(p))
}
