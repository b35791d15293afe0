package app

import (
	"context"

	"entrechat/internal/room/directory"
)

// backupsForDirectory lets the directory ask the vault.
func backupsForDirectory(a *App) any {
	vault, ok := opened[vaultRoom](a)
	if !ok {
		return nil
	}
	return vaultBackups{vault}
}

type vaultBackups struct{ vault vaultRoom }

// Backups are what the directory shows of the vault.
func (v vaultBackups) Backups(ctx context.Context) ([]directory.Backup, error) {
	report, err := v.vault.Public(ctx)
	out := make([]directory.Backup, 0, len(report.Backups))
	for _, b := range report.Backups {
		out = append(out, directory.Backup{Newest: b.Offsite, Places: b.Domains, Losses: max(b.Losses, 0), Doubt: b.Doubted()})
	}
	return out, err
}
