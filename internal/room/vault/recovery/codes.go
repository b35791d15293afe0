package recovery

import (
	"context"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
)

// How an object is encoded stands in its row, where a bit may flip: read by it, honest members
// would seem to give other bytes, and what cannot be joined would count as safe. The lengths
// of its shards, which their members signed for, say the same.

// CheckCodes puts right how objects are encoded where this disk changed it.
func (r *Disk) CheckCodes(ctx context.Context) error {
	all, err := r.store.Objects.Unfit(ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		shards, err := r.store.Placements.Of(ctx, o.ID)
		if err != nil {
			return err
		}
		c := catalogue.Fitted(o, catalogue.OnlyStored(shards))
		if c == o.Code {
			continue
		}
		r.n.Log.Error("this disk changed a row of the database: how an object is encoded is put right", "object", o.ID.String(), "was", o.Code, "is", c)
		err = r.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			if err := r.store.Queue.SetCodeIn(ctx, q, o.ID, c); err != nil {
				return err
			}
			_, _, err := r.pool.Restate(ctx, q, o.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
