package trust

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
)

type args = map[string]any

// Commands are invite, member, collective and pact; p says what they are for.
func Commands(p *words.Printer, types grant.Types, open console.Opener[*Room]) []*cobra.Command {
	members := console.Part(open, func(r *Room) *member.Service { return r.Members })
	return []*cobra.Command{
		member.InviteCommand(p, members), member.Command(p, members),
		collective.Command(p, types, console.Part(open, func(r *Room) *collective.Service { return r.Collectives })),
		pact.Command(p, types, console.Part(open, func(r *Room) *pact.Service { return r.Pacts })),
	}
}
