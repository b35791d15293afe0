package vault

import (
	"context"

	"entrechat/internal/kit/fit"
)

// steps are the printed words, a first backup, and its first snapshot off-site.
func (r *Room) steps(ctx context.Context) ([]fit.Step, error) {
	checked, err := r.kitChecked(ctx)
	if err != nil {
		return nil, err
	}
	report, err := r.doctor.Public(ctx)
	if err != nil {
		return nil, err
	}
	repos, err := r.store.Repos.All(ctx)
	away := false
	for _, s := range report.Backups {
		away = away || s.Offsite != 0
	}
	save := statusPath
	if len(repos) > 0 {
		save = useURL(repos[0].Name)
	}
	return []fit.Step{
		{Order: 10, Key: "vault.step_words", Why: "vault.step_words_why", Path: kitPath, Done: checked != 0, Check: "vault.check_kit"},
		{Order: 50, Key: "vault.step_backup", Why: "vault.step_backup_why", Path: createPath, Done: len(repos) > 0},
		{Order: 60, Key: "vault.step_snapshot", Why: "vault.step_snapshot_why", Path: save, Done: away},
	}, err
}
