package app

import (
	"context"

	"entrechat/internal/app/datadir"
	"entrechat/internal/kit/obs"
)

// metrics are those of our backups, and what members may still send.
func (v vaultRoom) metrics(ctx context.Context, a *App) ([]obs.Metric, error) {
	report, err := v.Public(ctx)
	if err != nil {
		return nil, err
	}
	all := report.Metrics()
	promised, due, err := v.promises(ctx, a)
	if err != nil {
		return all, err
	}
	all = append(all,
		obs.Metric{Name: "entrechat_vault_promised_bytes", Help: "What our pacts let members store here.", Value: float64(promised)},
		obs.Metric{Name: "entrechat_vault_promised_free_bytes", Help: "What members may still send by our pacts.", Value: float64(due)})
	free, err := datadir.Free(a.storePath())
	if err != nil {
		return all, err
	}
	return append(all, obs.Metric{Name: "entrechat_vault_disk_free_bytes", Help: "What is free where the members' shards lie.", Value: float64(free)}), nil
}
