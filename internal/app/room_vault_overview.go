package app

import (
	"context"

	"entrechat/internal/app/site"
	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
)

// Exchange is what members store for us and we for them, for the overview's pictures.
func (v vaultRoom) Exchange(ctx context.Context, known []core.MemberID) (site.Exchange, error) {
	out := site.Exchange{ForUs: map[core.MemberID]int64{}, ForThem: map[core.MemberID]int64{}}
	report, err := v.Public(ctx)
	if err != nil {
		return out, err
	}
	for _, b := range report.Backups {
		for _, at := range b.Members {
			out.ForUs[at.Member] += at.Bytes
		}
	}
	for _, s := range report.Silent {
		out.Silent = append(out.Silent, s.Member)
	}
	lenders, err := v.rights.Lenders(ctx, holder.KindStore)
	if err != nil {
		return out, err
	}
	for _, l := range lenders {
		out.Granted += l.Grant.Amount(holder.FieldBytes)
	}
	for _, id := range known {
		allowed, err := v.rights.May(ctx, id, holder.KindStore)
		if err != nil && core.CodeOf(err) != core.CodeDenied {
			return out, err
		}
		if err == nil && !allowed.ReadOnly {
			out.Given += allowed.Grant.Amount(holder.FieldBytes)
		}
		stored, err := v.lending.Used(ctx, id)
		if err != nil {
			return out, err
		}
		if stored > 0 {
			out.ForThem[id] = int64(stored)
		}
	}
	return out, nil
}
