package health

import (
	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
)

// Metrics are what people want to be woken for, of our own backups. Alert rules are in
// docs/runbook/metrics.md.
func (r Report) Metrics() []obs.Metric {
	all := make([]obs.Metric, 0, 1+5*len(r.Backups))
	add := func(name, help string, value float64, labels map[string]string) {
		all = append(all, obs.Metric{Name: "entrechat_vault_" + name, Help: help, Value: value, Labels: labels})
	}
	for _, b := range r.Backups {
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
	add("members_silent", "Lenders that do not do what we ask.", float64(len(r.Silent)), nil)
	return all
}

// seconds is a moment as Prometheus writes one; zero stays zero.
func seconds(m core.Moment) float64 { return float64(m) / 1e6 }
