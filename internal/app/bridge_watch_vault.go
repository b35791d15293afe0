package app

import (
	"context"

	"entrechat/internal/core"
)

// storedForWatch lets the watch ask what we store of other members' backups.
func storedForWatch(a *App) any {
	vault, ok := opened[vaultRoom](a)
	if !ok {
		return nil
	}
	return vaultStored{vault}
}

type vaultStored struct{ vault vaultRoom }

// Newest is what freshness.Stored asks.
func (v vaultStored) Newest(ctx context.Context, owner core.MemberID) (whole, newest core.Moment, ok bool, err error) {
	return v.vault.lending.Newest(ctx, owner)
}
