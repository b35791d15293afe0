package vault

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// failures is how often shards of an object failed since they were last all well.
func (s store) failures(ctx context.Context, id shard.Hash) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM vault_trouble
		WHERE object = $1 AND over_us = 0`, id.String())
}

// endRemoved ends the troubles about objects that are in no backup any more.
func (s store) endRemoved(ctx context.Context, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_trouble SET over_us = $1 WHERE over_us = 0 AND object <> ''
		AND NOT EXISTS (SELECT 1 FROM vault_object o WHERE o.object = vault_trouble.object AND o.buried_us = 0)`, int64(now))
	return err
}

// unproved lists objects that are placed again, with a trouble that is not over: those
// after a random hex name first, so that members that stay away hold up no others.
func (s store) unproved(ctx context.Context, after string, limit int) ([]shard.Hash, error) {
	return db.All(ctx, s.db, func(r db.Row) (shard.Hash, error) {
		var id string
		if err := r.Scan(&id); err != nil {
			return shard.Hash{}, err
		}
		return shard.ParseHash(id)
	}, `SELECT object FROM vault_object WHERE state = 'placed' AND buried_us = 0
		AND object IN (SELECT object FROM vault_trouble WHERE over_us = 0)
		ORDER BY CASE WHEN object > $1 THEN 0 ELSE 1 END, object LIMIT $2`, after, limit)
}
