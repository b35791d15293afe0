package vault

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// lose takes an object out of its repository as Gone.
func (s store) lose(ctx context.Context, id shard.Hash, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET buried_us = $2, state = 'gone', file = '' WHERE object = $1 AND buried_us = 0`,
		id.String(), int64(now))
	return err
}

// gone counts the packs on which a new file of this type may rest although they are Gone:
// those of a run that began before them, for a day; and for a snapshot those that an index
// of before the loss may name. One that was sent again counts no more.
func (s store) gone(ctx context.Context, repo string, t rest.Type, began int64, since core.Moment) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object o WHERE repo = $1 AND state = 'gone' AND kind = 'data'
		AND NOT EXISTS (SELECT 1 FROM vault_object a WHERE a.repo = o.repo AND a.kind = o.kind AND a.name = o.name AND a.buried_us = 0)
		AND (seq > $2 AND buried_us > $3 OR $4 = 'snapshots' AND EXISTS (SELECT 1 FROM vault_object i
			WHERE i.repo = o.repo AND i.kind = 'index' AND i.buried_us = 0 AND i.seq > o.seq AND i.made_us <= o.buried_us))`,
		repo, began, int64(since), string(t))
}
