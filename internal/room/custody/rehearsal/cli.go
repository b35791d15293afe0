package rehearsal

import (
	"strconv"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Command is `custody rehearse ...`.
func Command(p *words.Printer, open console.Opener[*Rehearsals]) *cobra.Command {
	return console.Group("rehearse", p.T("custody.rehearsal.cmd", nil),
		console.Command(open, "begin SCOPE", p.T("custody.rehearsal.cmd_begin", nil), begin),
		console.Command(open, "list", p.T("custody.rehearsal.cmd_list", nil), listAll))
}

func begin(cmd *cobra.Command, r *Rehearsals, out *console.Out, typed []string) error {
	if err := r.Begin(cmd.Context(), typed[0]); err != nil {
		return err
	}
	return listAll(cmd, r, out, nil)
}

func listAll(cmd *cobra.Command, r *Rehearsals, out *console.Out, _ []string) error {
	all, err := r.List(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(all, func() {
		if len(all) == 0 {
			out.Say("custody.rehearsal.none", nil)
			return
		}
		rows := make([][]string, 0, len(all))
		for _, o := range all {
			took := "—"
			if o.Done != 0 {
				took = out.P.Span(o.Took())
			}
			rows = append(rows, []string{
				o.Scope, out.P.Day(o.Begun), out.P.T("custody.rehearsal.state_"+o.State(r.now()), nil), strconv.FormatInt(o.Released, 10) + "/" + strconv.FormatInt(o.K, 10), took,
			})
		}
		out.Table([]string{"custody.rehearsal.col_scope", "custody.rehearsal.col_begun", "custody.rehearsal.col_state", "custody.rehearsal.col_shares", "custody.rehearsal.col_took"}, rows)
		for _, o := range all {
			if o.Words != "" {
				out.Say("custody.rehearsal.words", map[string]any{"Words": o.Words, "ID": o.Ask[:12]})
			}
		}
	})
}
