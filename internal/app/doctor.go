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

// ownChecks are the questions the house itself asks.
type ownChecks struct{ *App }

// checks are the house's own questions, then the rooms'.
func (a *App) checks() []fit.Check {
	d := ownChecks{a}
	all := []fit.Check{
		{Name: "app.check_key", Run: d.checkKey},
		{Name: "app.check_secrets", Run: fit.Plain(func(context.Context) error { return doctor.Secrets(d.Data) })},
		{Name: "app.check_disk", Run: fit.Plain(func(context.Context) error { return doctor.Disk(d.Config.Node.Floor, d.Data, d.storePath()) })},
		{Name: "app.check_files", Run: fit.Plain(func(context.Context) error { return doctor.Files(d.Data) })},
		{Name: "app.check_node", Run: func(ctx context.Context) (fit.Finding, error) { return doctor.Node(ctx, d.Config.Tools.Listen) }},
	}
	for _, f := range a.fittings {
		all = append(all, f.Checks...)
	}
	return all
}

// checkKey: members take what this node signs for ours. Of members that are not there
// nothing is known.
func (d ownChecks) checkKey(ctx context.Context) (fit.Finding, error) {
	if err := d.standing(ctx); err != nil {
		return fit.Finding{}, err
	}
	return d.withMembers(fit.Plain(func(context.Context) error { return nil }))(ctx)
}

// storePath is where the members' shards lie; it may be a disk of its own.
func (a *App) storePath() string { return filepath.Join(a.Data, "store") }
