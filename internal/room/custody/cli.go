package custody

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/person"
	"entrechat/internal/room/custody/share"
)

// Commands are `custody ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	subs := deal.Commands(p, console.Part(open, func(r *Room) *deal.Deals { return r.Deals }), console.Part(open, func(r *Room) *deal.Keeper { return r.Keeper }))
	subs = append(subs, person.Command(p, console.Part(open, func(r *Room) *person.Persons { return r.Persons })), share.Command(p))
	subs = append(subs, breakglass.Commands(p, console.Part(open, func(r *Room) *breakglass.Asks { return r.Asks }))...)
	return []*cobra.Command{console.Group("custody", p.T("custody.cmd", nil), subs...)}
}
