package custody

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/person"
)

// Commands are `custody ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	return []*cobra.Command{console.Group("custody", p.T("custody.cmd", nil),
		person.Command(p, console.Part(open, func(r *Room) *person.Persons { return r.Persons })),
	)}
}
