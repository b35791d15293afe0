package app

import (
	"context"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
)

// metrics are what people want to be woken for. Alert rules are in docs/runbook/metrics.md.
func (v vaultRoom) metrics(ctx context.Context, a *App) ([]obs.Metric, error) {
	report, err := v.Public(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]obs.Metric, 0, 4+4*len(report.Backups))
	add := func(name, help string, value float64, labels map[string]string) {
		all = append(all, obs.Metric{Name: "entrechat_vault_" + name, Help: help, Value: value, Labels: labels})
	}
	for _, b := range report.Backups {
		of := map[string]string{"backup": b.Name}
		add("losses_survived", "How many more members may be lost with nothing lost; those away now are counted as lost. -1: some files are lost already.", float64(b.Losses), of)
		doubted := 0.0
		if b.Doubted() {
			doubted = 1
		}
		add("doubted", "1 where the other numbers of a backup cannot be believed or it cannot be opened: see entrechat doctor.", doubted, of)
		add("offsite_time_seconds", "When the newest snapshot that is off-site was made (Unix time), 0 before the first.", seconds(b.Offsite), of)
		add("waiting_files", "Files with something still to be brought to members.", float64(b.Waiting), of)
		add("waiting_bytes", "Bytes still to be brought to members.", float64(b.WaitSize), of)
	}
	add("members_silent", "Lenders that do not do what we ask.", float64(len(report.Silent)), nil)
	promised, due, err := v.promises(ctx, a)
	if err != nil {
		return all, err
	}
	add("promised_bytes", "What our pacts let members store here.", float64(promised), nil)
	add("promised_free_bytes", "What members may still send by our pacts.", float64(due), nil)
	free, err := datadir.Free(a.storePath())
	if err != nil {
		return all, err
	}
	add("disk_free_bytes", "What is free where the members' shards lie.", float64(free), nil)
	return all, nil
}

// seconds is a moment as Prometheus writes one; zero stays zero.
func seconds(m core.Moment) float64 { return float64(m) / 1e6 }
