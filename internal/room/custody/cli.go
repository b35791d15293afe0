package custody

import (
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ability"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/duty"
	"entrechat/internal/room/custody/person"
	"entrechat/internal/room/custody/proof"
	"entrechat/internal/room/custody/rehearsal"
	"entrechat/internal/room/custody/rescue"
	"entrechat/internal/room/custody/runbook"
	"entrechat/internal/room/custody/share"
)

// Commands are `custody ...`; p says what they are for, now is the time for those that need no node.
func Commands(p *words.Printer, open console.Opener[*Room], now func() time.Time) []*cobra.Command {
	abilities := console.Part(open, func(r *Room) *ability.Abilities { return r.Abilities })
	subs := deal.Commands(p, console.Part(open, func(r *Room) *deal.Deals { return r.Deals }), console.Part(open, func(r *Room) *deal.Keeper { return r.Keeper }))
	subs = append(subs, person.Command(p, console.Part(open, func(r *Room) *person.Persons { return r.Persons }), ability.LeaveCommand(p, abilities)), share.Command(p))
	subs = append(subs, breakglass.Commands(p, console.Part(open, func(r *Room) *breakglass.Asks { return r.Asks }))...)
	subs = append(subs, ability.Commands(p, abilities)...)
	subs = append(subs, runbook.Command(p, console.Part(open, func(r *Room) *runbook.Service { return r.Runbooks })))
	subs = append(subs, proof.Command(p, console.Part(open, func(r *Room) *proof.Proofs { return r.Proofs }), now))
	subs = append(subs, rescue.Command(p, rescueNeeds(now)),
		rehearsal.Command(p, console.Part(open, func(r *Room) *rehearsal.Rehearsals { return r.Rehearsals })))
	subs = append(subs, duty.Command(p, console.Part(open, func(r *Room) *duty.Service { return r.Duties })))
	return []*cobra.Command{console.Group("custody", p.T("custody.cmd", nil), subs...)}
}
