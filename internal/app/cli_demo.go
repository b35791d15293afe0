package app

import (
	"os"

	"github.com/spf13/cobra"

	"entrechat/internal/app/demo"
)

func (l *cli) demoCommand() *cobra.Command {
	var o demo.Options
	c := &cobra.Command{
		Use: "demo", Short: l.out.P.T("app.cmd.demo", nil), Long: l.out.P.T("app.cmd.demo_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Chapters, err = demo.ParseChapters(o.Chapters); err != nil {
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			o.Program, o.Words, o.Lang, o.TTY = program, l.out.P, l.out.P.Lang, l.out.TTY()
			return demo.Tell(cmd.Context(), o, l.out.W)
		},
	}
	c.Flags().StringVar(&o.Data, "data", "", l.out.P.T("app.flag.demo_data", nil))
	c.Flags().StringSliceVar(&o.Chapters, "chapter", demo.Chapters(), l.out.P.T("app.flag.demo_chapter", nil))
	c.Flags().BoolVar(&o.Once, "once", false, l.out.P.T("app.flag.once", nil))
	return c
}
