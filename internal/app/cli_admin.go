package app

import (
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

func (l *cli) adminCommand() *cobra.Command {
	p := l.out.P
	c := &cobra.Command{Use: "admin", Short: p.T("app.cmd.admin", nil)}
	c.AddCommand(&cobra.Command{
		Use: "link", Short: p.T("app.cmd.admin_link", nil), Long: p.T("app.cmd.admin_link_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := l.open(cmd.Context())
			if err != nil {
				return err
			}
			link, expires, err := web.NewLink(cmd.Context(), a.DB, a.Config.Node.URL, core.At(time.Now()))
			if err != nil {
				return err
			}
			view := map[string]any{"url": link, "expires_us": expires}
			return l.out.Emit(view, func() { l.out.Say("app.admin_link", map[string]any{"URL": link}) })
		},
	}, &cobra.Command{
		Use: "sign-out", Short: p.T("app.cmd.admin_sign_out", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := l.open(cmd.Context())
			if err != nil {
				return err
			}
			ended, err := web.EndSessions(cmd.Context(), a.DB)
			if err != nil {
				return err
			}
			return l.out.Emit(map[string]int64{"ended": ended}, func() { l.out.Say("app.admin_signed_out", map[string]any{"Count": ended}) })
		},
	})
	return c
}
