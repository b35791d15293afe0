package catalogue

import (
	"context"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/shard"
)

// Tombstone is a tombstone that one member has not been told, or not accepted yet.
type Tombstone struct {
	Member   core.MemberID
	Object   shard.Hash
	Document seal.Envelope
}

// Add writes a tombstone for objects and takes them out of their repository.
func (s Tombstones) Add(ctx context.Context, objects []shard.Hash, document []byte, now core.Moment) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, id := range objects {
			if _, err := db.Exec(ctx, q, `INSERT INTO vault_tombstone (object, document, made_us) VALUES ($1, $2, $3)
				ON CONFLICT (object) DO NOTHING`, id.String(), document, int64(now)); err != nil {
				return err
			}
			if _, err := db.Exec(ctx, q, `UPDATE vault_object SET file = '', deleted_us = CASE WHEN deleted_us = 0 THEN $2 ELSE deleted_us END
				WHERE object = $1`, id.String(), int64(now)); err != nil {
				return err
			}
			if err := Troubles(s).EndOf(ctx, q, id, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// Unsent lists tombstones to be sent now. A shard that a member says it lost is
// deleted too: it may be back.
func (s Tombstones) Unsent(ctx context.Context, now core.Moment, limit int) ([]Tombstone, error) {
	return db.All(ctx, s.db, func(r db.Row) (g Tombstone, err error) {
		var object string
		var document []byte
		if err = r.Scan(&g.Member, &object, &document); err != nil {
			return g, err
		}
		if g.Object, err = shard.ParseHash(object); err != nil {
			return g, err
		}
		g.Document, err = seal.DecodeEnvelope(document)
		return g, err
	}, `SELECT DISTINCT p.member, p.object, t.document FROM vault_placement p JOIN vault_tombstone t ON t.object = p.object
		WHERE p.deleted_us = 0 AND p.tombstone_next_us <= $1 ORDER BY p.member, p.object LIMIT $2`, int64(now), limit)
}

// Accepted writes that a member has deleted an object; false when the object was
// brought back meanwhile.
func (s Tombstones) Accepted(ctx context.Context, g Tombstone, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, s.db, `UPDATE vault_placement SET deleted_us = $3 WHERE object = $1 AND member = $2
		AND EXISTS (SELECT 1 FROM vault_tombstone t WHERE t.object = $1)`, g.Object.String(), string(g.Member), int64(now))
	return n > 0, err
}

// Postpone says when a member is sent a tombstone again.
func (s Tombstones) Postpone(ctx context.Context, g Tombstone, next core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_placement SET tombstone_next_us = $3 WHERE object = $1 AND member = $2`,
		g.Object.String(), string(g.Member), int64(next))
	return err
}

// Undelete brings an object back to its repository.
func (s Tombstones) Undelete(ctx context.Context, id shard.Hash) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, statement := range []string{
			`DELETE FROM vault_tombstone WHERE object = $1`,
			`UPDATE vault_placement SET deleted_us = 0, tombstone_next_us = 0 WHERE object = $1`,
			`UPDATE vault_object SET deleted_us = 0, tries = 0, next_us = 0 WHERE object = $1`,
		} {
			if _, err := db.Exec(ctx, q, statement, id.String()); err != nil {
				return fmt.Errorf("undelete object: %w", err)
			}
		}
		return nil
	})
}

// Forget drops objects that every member deleted before a moment: their shards are
// gone, or may be.
func (s Tombstones) Forget(ctx context.Context, before core.Moment) error {
	const gone = `SELECT o.object FROM vault_object o WHERE o.deleted_us > 0 AND o.deleted_us < $1
		AND NOT EXISTS (SELECT 1 FROM vault_placement p WHERE p.object = o.object AND (p.deleted_us = 0 OR p.deleted_us >= $1))`
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, table := range []string{"vault_tombstone", "vault_placement", "vault_object"} {
			// vault_object last: the others are found through it.
			if _, err := db.Exec(ctx, q, `DELETE FROM `+table+` WHERE object IN (`+gone+`)`, int64(before)); err != nil {
				return fmt.Errorf("forget deleted objects: %w", err)
			}
		}
		return nil
	})
}
