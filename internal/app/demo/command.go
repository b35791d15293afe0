package demo

import (
	"os"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
)

// Command is `demo`, printing to out.
func Command(out *console.Out) *cobra.Command {
	var o Options
	c := &cobra.Command{
		Use: "demo", Short: out.P.T("app.cmd.demo", nil), Long: out.P.T("app.cmd.demo_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Chapters, err = ParseChapters(o.Chapters); err != nil {
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			o.Program, o.Words, o.Lang, o.TTY = program, out.P, out.P.Lang, out.TTY()
			return Tell(cmd.Context(), o, out.W)
		},
	}
	c.Flags().StringVar(&o.Data, "data", "", out.P.T("app.flag.demo_data", nil))
	c.Flags().StringSliceVar(&o.Chapters, "chapter", Chapters(), out.P.T("app.flag.demo_chapter", nil))
	c.Flags().BoolVar(&o.Once, "once", false, out.P.T("app.flag.once", nil))
	return c
}
