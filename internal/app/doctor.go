package app

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"entrechat/internal/app/doctor"
	"entrechat/internal/kit/fit"
)

func (l *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: l.out.P.T("app.cmd.doctor", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := l.open(cmd.Context())
			if err != nil {
				return err
			}
			return doctor.Report(cmd.Context(), &l.out, a.checks())
		},
	}
}

// checks are the house's own questions, then the rooms'.
func (a *App) checks() []fit.Check {
	all := append(a.company().Checks(fit.Check{Name: "app.check_key", Run: a.checkKey}),
		fit.Check{Name: "app.check_secrets", Run: fit.Plain(func(context.Context) error { return doctor.Secrets(a.Data) })},
		fit.Check{Name: "app.check_disk", Run: fit.Plain(func(context.Context) error { return doctor.Disk(a.Config.Node.Floor, a.Data, a.storePath()) })},
		fit.Check{Name: "app.check_files", Run: fit.Plain(func(context.Context) error { return doctor.Files(a.Data) })},
		fit.Check{Name: "app.check_node", Run: func(ctx context.Context) (fit.Finding, error) { return doctor.Node(ctx, a.Config.Tools.Listen) }},
	)
	for _, f := range a.fittings {
		all = append(all, f.Checks...)
	}
	return all
}

// checkKey: members take what this node signs for ours. Of members that are not there
// nothing is known.
func (a *App) checkKey(ctx context.Context) (fit.Finding, error) {
	if err := a.standing(ctx); err != nil {
		return fit.Finding{}, err
	}
	return a.withMembers(fit.Plain(func(context.Context) error { return nil }))(ctx)
}

// storePath is where the members' shards lie; it may be a disk of its own.
func (a *App) storePath() string { return filepath.Join(a.Data, "store") }
