package key

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Commands are `identity key ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Set]) []*cobra.Command {
	var atOnce bool
	rotate := console.Command(open, "rotate", p.T("identity.key.cmd_rotate", nil), func(_ *cobra.Command, s *Set, out *console.Out, _ []string) error {
		if err := s.Rotate(atOnce); err != nil {
			return err
		}
		return s.print(out)
	})
	rotate.Flags().BoolVar(&atOnce, "now", false, p.T("identity.key.flag_now", nil))
	return []*cobra.Command{console.Group("key", p.T("identity.key.cmd", nil),
		console.Command(open, "list", p.T("identity.key.cmd_list", nil), func(_ *cobra.Command, s *Set, out *console.Out, _ []string) error { return s.print(out) }),
		rotate,
	)}
}

// print shows the keys that have not ended.
func (s *Set) print(out *console.Out) error {
	list, err := s.List()
	if err != nil {
		return err
	}
	return out.Emit(list, func() {
		rows := make([][]string, 0, len(list))
		for _, k := range list {
			state, when := "identity.key.state_old", out.P.Date(k.Until)
			switch {
			case k.Signs && k.Until == 0:
				state, when = "identity.key.state_signs", ""
			case k.Signs:
				state = "identity.key.state_last"
			case k.Until == 0:
				state, when = "identity.key.state_next", out.P.Date(k.From)
			}
			rows = append(rows, []string{k.ID[:min(len(k.ID), 12)], k.Alg, out.P.T(state, map[string]any{"When": when})})
		}
		out.Table([]string{"identity.key.col_id", "identity.key.col_alg", "identity.key.col_state"}, rows)
	})
}
