package promise

import (
	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Commands are `succession name` and `succession named`.
func Commands(p *words.Printer, open console.Opener[*Promises]) []*cobra.Command {
	var to, backups []string
	name := console.Command(open, "name SERVICE", p.T("succession.promise.cmd_name", nil), func(cmd *cobra.Command, on *Promises, out *console.Out, typed []string) error {
		n := Naming{Service: typed[0], Backups: backups}
		for _, text := range to {
			m, err := core.ParseMemberID(text)
			if err != nil {
				return err
			}
			n.Successors = append(n.Successors, m)
		}
		if err := on.Name(cmd.Context(), n); err != nil {
			return err
		}
		return show(cmd, on, out)
	})
	name.Flags().StringArrayVar(&to, "to", nil, p.T("succession.promise.flag_to", nil))
	name.Flags().StringArrayVar(&backups, "backup", nil, p.T("succession.promise.flag_backup", nil))
	named := console.Command(open, "named", p.T("succession.promise.cmd_named", nil), func(cmd *cobra.Command, on *Promises, out *console.Out, _ []string) error {
		return show(cmd, on, out)
	})
	return []*cobra.Command{name, named}
}

// named is what `succession named` prints.
type named struct {
	Ours   []Successor `json:"ours"`   // who takes ours over
	Theirs []Successor `json:"theirs"` // what we would take over
}

func show(cmd *cobra.Command, on *Promises, out *console.Out) error {
	ours, err := on.Of(cmd.Context(), on.n.Self)
	if err != nil {
		return err
	}
	theirs, err := on.Ours(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(named{append([]Successor{}, ours...), append([]Successor{}, theirs...)}, func() {
		if len(ours)+len(theirs) == 0 {
			out.Say("succession.promise.none", nil)
			return
		}
		for _, s := range ours {
			out.Say("succession.promise.takes", map[string]any{"Service": s.Service, "Member": string(s.Member), "Rank": s.Rank, "Since": out.P.Date(s.Since)})
		}
		for _, s := range theirs {
			out.Say("succession.promise.we_take", map[string]any{"Service": s.Service, "Member": string(s.Owner), "Rank": s.Rank, "Since": out.P.Date(s.Since)})
		}
	})
}
