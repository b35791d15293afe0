package move

import (
	"os"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// inherit is `identity move inherit`.
func inherit(p *words.Printer, open console.Opener[*Moves]) *cobra.Command {
	var file string
	c := console.Command(open, "inherit MEMBER", p.T("identity.move.cmd_inherit", nil), func(cmd *cobra.Command, m *Moves, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return core.Invalid("identity.move.no_file", err).With("File", file)
		}
		came, err := m.Inherit(cmd.Context(), owner, text)
		if err != nil {
			return err
		}
		all := takenAll{append([]Welcome{}, came.People...), []string{}}
		for _, one := range came.Failed {
			all.Failed = append(all.Failed, out.P.Error(one))
		}
		return out.Emit(all, func() { all.say(out, owner) })
	})
	c.Flags().StringVar(&file, "file", "", p.T("identity.move.flag_file", nil))
	_ = c.MarkFlagRequired("file")
	return c
}
