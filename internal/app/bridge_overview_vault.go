package app

import (
	"context"

	"entrechat/internal/room/vault/holder"

	"entrechat/internal/core"
)

// Exchange is what members store for us and we for them, for the overview's pictures.
func (v vaultRoom) Exchange(ctx context.Context, known []core.MemberID) (exchange, error) {
	out := exchange{forUs: map[core.MemberID]int64{}, forThem: map[core.MemberID]int64{}}
	report, err := v.Public(ctx)
	if err != nil {
		return out, err
	}
	for _, b := range report.Backups {
		for _, at := range b.Members {
			out.forUs[at.Member] += at.Bytes
		}
	}
	for _, s := range report.Silent {
		out.silent = append(out.silent, s.Member)
	}
	lenders, err := v.rights.Lenders(ctx, holder.KindStore)
	if err != nil {
		return out, err
	}
	for _, l := range lenders {
		out.granted += l.Grant.Amount(holder.FieldBytes)
	}
	for _, id := range known {
		allowed, err := v.rights.May(ctx, id, holder.KindStore)
		if err != nil && core.CodeOf(err) != core.CodeDenied {
			return out, err
		}
		if err == nil && !allowed.ReadOnly {
			out.given += allowed.Grant.Amount(holder.FieldBytes)
		}
		stored, err := v.lending.Used(ctx, id)
		if err != nil {
			return out, err
		}
		if stored > 0 {
			out.forThem[id] = int64(stored)
		}
	}
	return out, nil
}
