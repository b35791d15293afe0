package catalogue

import (
	"context"
	"math"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// staysOf counts the distinct shards of vault_object's row that are stored by members that
// do not leave by $1.
const staysOf = `(SELECT count(DISTINCT ` + whichShard + `) FROM vault_placement p LEFT JOIN vault_lender l ON l.member = p.member
	WHERE p.object = vault_object.object AND p.state = 'stored' AND (coalesce(l.leaves_us, 0) = 0 OR l.leaves_us > $1))`

// storedOf counts the distinct shards of vault_object's row that are stored.
const storedOf = `(SELECT count(DISTINCT ` + whichShard + `) FROM vault_placement p WHERE p.object = vault_object.object AND p.state = 'stored')`

// RetryIdleNow makes due what had nowhere to go and rests beyond a moment: somebody may take
// it now.
func (s Queue) RetryIdleNow(ctx context.Context, beyond core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET next_us = 0 WHERE state = 'safe' AND deleted_us = 0 AND next_us > $1`, int64(beyond))
	return err
}

// Due lists objects that have work waiting, those that are not off-site first,
// then in the order they came.
func (s Queue) Due(ctx context.Context, now core.Moment, limit int) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE state <> 'placed' AND deleted_us = 0 AND next_us <= $1
		ORDER BY CASE WHEN state = 'waiting' THEN 0 ELSE 1 END, next_us > 0, made_us, seq LIMIT $2`, int64(now), limit)
}

// Needed lists what must be off-site before an index or a snapshot is acknowledged,
// and never was: the file itself, what came since the place at which the restic run
// began, and what the repository is opened with. A snapshot may also hang on what an
// index named before the run began. A pack that came before it and that no index
// names is the rest of a run that failed: nobody needs it. With began 0 everything
// before the file is needed.
//
// What was off-site once, and has lost shards since, is the business of `vault status`:
// stopping new backups would not bring it back.
//
// spec: docs/spec/rest.md#acknowledgement
func (s Queue) Needed(ctx context.Context, o Object, began int64) ([]shard.Hash, error) {
	if o.Seq == 0 { // not accepted yet: behind everything
		o.Seq = math.MaxInt64
	}
	return db.All(ctx, s.db, func(r db.Row) (h shard.Hash, err error) {
		var id string
		if err = r.Scan(&id); err != nil {
			return h, err
		}
		return shard.ParseHash(id)
	}, `SELECT object FROM vault_object o WHERE repo = $1 AND seq <= $2 AND safe_us = 0 AND deleted_us = 0
		AND (seq > $3 OR object = $4 OR kind IN ('config', 'keys', 'repo') OR $5 = 'snapshots' AND (kind = 'index'
			OR kind = 'data' AND EXISTS (SELECT 1 FROM vault_object i WHERE i.repo = o.repo AND i.kind = 'index'
				AND i.deleted_us = 0 AND i.seq > o.seq AND i.seq <= $3)))`,
		o.Repo, o.Seq, began, o.ID.String(), string(o.File.Type))
}

// Tail is the place of the file a repository accepted last, and whether any was never
// off-site.
func (s Queue) Tail(ctx context.Context, repo string) (last int64, pending bool, err error) {
	if last, err = db.One(ctx, s.db, db.Int64, `SELECT coalesce(max(seq), 0) FROM vault_object WHERE repo = $1`, repo); err != nil {
		return 0, false, err
	}
	n, err := db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object
		WHERE repo = $1 AND safe_us = 0 AND deleted_us = 0`, repo)
	return last, n > 0, err
}

// Waiting lists what is not off-site, in the order it is sent.
func (s Queue) Waiting(ctx context.Context) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE state = 'waiting' AND deleted_us = 0 ORDER BY made_us, seq`)
}

// SetCode remembers the code an object is encoded with.
func (s Queue) SetCode(ctx context.Context, id shard.Hash, c shard.Code) error {
	return s.SetCodeIn(ctx, s.db, id, c)
}

// SetCodeIn is SetCode inside a transaction.
func (s Queue) SetCodeIn(ctx context.Context, q db.Querier, id shard.Hash, c shard.Code) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_object SET k = $2, n = $3 WHERE object = $1`, id.String(), c.K, c.N)
	return err
}

// SetState moves an object. The first time it is off-site is kept for good; one that
// is placed forgets its failed rounds, or its next loss would count as the last of many.
func (s Queue) SetState(ctx context.Context, q db.Querier, id shard.Hash, state State, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_object SET state = $2,
		tries = CASE WHEN $2 = 'placed' THEN 0 ELSE tries END,
		safe_us = CASE WHEN safe_us = 0 AND $2 <> 'waiting' THEN $3 ELSE safe_us END WHERE object = $1`,
		id.String(), string(state), int64(now))
	return err
}

// Postpone counts a failed round and says when the next may begin; tries 0 is a
// round that went well.
func (s Queue) Postpone(ctx context.Context, id shard.Hash, tries int, next core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET tries = $2, next_us = $3 WHERE object = $1`,
		id.String(), tries, int64(next))
	return err
}

// RetryNow makes everything that waits due at once: a lender came, or came back.
func (s Queue) RetryNow(ctx context.Context) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET next_us = 0 WHERE state <> 'placed' AND next_us > 0`)
	return err
}

// Recompute brings the state of objects that lost shards back in line: fewer stored
// than their code wants, or fewer at members that stay, so they have work again.
func (s Queue) Recompute(ctx context.Context, now core.Moment) error {
	if _, err := db.Exec(ctx, s.db, `UPDATE vault_object SET state = 'safe', next_us = 0
		WHERE state = 'placed' AND deleted_us = 0 AND `+staysOf+` < n`, int64(now)); err != nil {
		return err
	}
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET state = 'waiting', next_us = 0
		WHERE state <> 'waiting' AND deleted_us = 0 AND `+storedOf+` < CASE WHEN k < n THEN k + 1 ELSE n END`)
	return err
}

// NarrowOnTheWay says whether objects that are not placed yet are whole copies,
// fewer than n.
func (s Queue) NarrowOnTheWay(ctx context.Context, n int) (bool, error) {
	found, err := db.One(ctx, s.db, func(r db.Row) (c int64, err error) { return c, r.Scan(&c) },
		`SELECT count(*) FROM vault_object WHERE k = 1 AND n < $1 AND state <> 'placed' AND deleted_us = 0`, n)
	return found > 0, err
}
