package assembly

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/debate"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/hall"
	"entrechat/internal/room/assembly/need"
)

// Commands are the room's commands; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	decisions := decision.Command(p, console.Part(open, func(r *Room) *decision.Service { return r.Decisions }))
	decisions.AddCommand(hall.MinutesCommand(p, console.Part(open, (*Room).hallNeeds)))
	return []*cobra.Command{
		need.Command(p, console.Part(open, func(r *Room) *need.Service { return r.Told })),
		decisions,
		debate.Command(p, console.Part(open, func(r *Room) *debate.Service { return r.Debates })),
	}
}
