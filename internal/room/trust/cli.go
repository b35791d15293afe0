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
	members := part(open, func(r *Room) *member.Service { return r.Members })
	return []*cobra.Command{
		member.InviteCommand(p, members), member.Command(p, members),
		collective.Command(p, types, part(open, func(r *Room) *collective.Service { return r.Collectives })),
		pact.Command(p, types, part(open, func(r *Room) *pact.Service { return r.Pacts })),
	}
}

// part opens the room for a command that works on one part of it.
func part[T any](open console.Opener[*Room], of func(*Room) T) console.Opener[T] {
	return func(cmd *cobra.Command) (part T, out *console.Out, err error) {
		r, out, err := open(cmd)
		if err != nil {
			return part, out, err
		}
		return of(r), out, nil
	}
}
