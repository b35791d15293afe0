package hall

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/record"
)

// MinutesCommand is `decision minutes`; p says what it is for.
func MinutesCommand(p *words.Printer, open console.Opener[Needs]) *cobra.Command {
	var html bool
	c := console.Command(open, "minutes ID", p.T("assembly.hall.cmd_minutes", nil), func(cmd *cobra.Command, n Needs, out *console.Out, typed []string) error {
		d, err := n.Decisions.View(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		text, write, rec := "", record.New(n.Words), n.whole(cmd.Context(), out.P, &d)
		if html {
			page, err := write.Minutes(rec, out.P.Lang, n.now())
			if err != nil {
				return err
			}
			text = string(page)
		} else if text, err = write.Markdown(rec, out.P.Lang, n.now()); err != nil {
			return err
		}
		return out.Emit(map[string]string{"id": d.ID, "minutes": text}, func() { out.Line(text) })
	})
	c.Flags().BoolVar(&html, "html", false, p.T("assembly.hall.flag_html", nil))
	return c
}
