package vault

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// staysOf counts the distinct shards of vault_object's row that are held by members that
// do not leave by $1.
const staysOf = `(SELECT count(DISTINCT ` + whichShard + `) FROM vault_placement p LEFT JOIN vault_lender l ON l.member = p.member
	WHERE p.object = vault_object.object AND p.state = 'held' AND (coalesce(l.leaves_us, 0) = 0 OR l.leaves_us > $1))`

// leaves lists from when on what each member has is made again at others.
func (s store) leaves(ctx context.Context, q db.Querier) (map[core.MemberID]core.Moment, error) {
	type row struct {
		id core.MemberID
		at core.Moment
	}
	rows, err := db.All(ctx, q, func(r db.Row) (l row, err error) {
		err = r.Scan(&l.id, &l.at)
		return l, err
	}, `SELECT member, leaves_us FROM vault_lender WHERE leaves_us > 0`)
	out := make(map[core.MemberID]core.Moment, len(rows))
	for _, l := range rows {
		out[l.id] = l.at
	}
	return out, err
}

// setLeaves writes from when on what a member has is made again at others; zero = it lends.
func (s store) setLeaves(ctx context.Context, id core.MemberID, at core.Moment) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_lender (member, good_us, bad_us, next_us, full_bytes, leaves_us) VALUES ($1, 0, 0, 0, 0, $2)
		ON CONFLICT (member) DO UPDATE SET leaves_us = excluded.leaves_us`, string(id), int64(at))
	return err
}

// leave takes what a member has out of what counts, and says how many shards that are:
// its pact is over.
func (s store) leave(ctx context.Context, id core.MemberID) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'left' WHERE member = $1 AND state IN ('held', 'lost')`, string(id))
}

// unleave has what a member had when its pact ended count as lost: it lends again, and may
// prove that it has it.
func (s store) unleave(ctx context.Context, id core.MemberID) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'lost' WHERE member = $1 AND state = 'left'`, string(id))
}

// hurryIdle makes due what had nowhere to go and rests beyond a moment: somebody may take
// it now.
func (s store) hurryIdle(ctx context.Context, beyond core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET next_us = 0 WHERE state = 'safe' AND buried_us = 0 AND next_us > $1`, int64(beyond))
	return err
}

// mayCount says whether anything that a member has counts, or may again.
func (s store) mayCount(ctx context.Context, id core.MemberID) (bool, error) {
	n, err := db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM (SELECT 1 FROM vault_placement
		WHERE member = $1 AND state IN ('held', 'lost') LIMIT 1) AS there`, string(id))
	return n > 0, err
}

// keeps says whether a member has or had a shard of a file that is there.
func (s store) keeps(ctx context.Context, id core.MemberID) (bool, error) {
	n, err := db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM (SELECT 1 FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.member = $1 AND p.state IN ('held', 'left') AND o.buried_us = 0 LIMIT 1) AS there`, string(id))
	return n > 0, err
}

// unmoved counts the files of which a member has or had a shard and that are not whole at
// other members that stay. Once what it has is being moved, placed ones need no look.
func (s store) unmoved(ctx context.Context, id core.MemberID, moving bool) (int64, error) {
	which := ""
	if moving {
		which = `o.state <> 'placed' AND `
	}
	return db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object o WHERE `+which+`o.buried_us = 0
		AND EXISTS (SELECT 1 FROM vault_placement p WHERE p.object = o.object AND p.member = $1 AND p.state IN ('held', 'left'))
		AND (SELECT count(DISTINCT `+whichShard+`) FROM vault_placement p LEFT JOIN vault_lender l ON l.member = p.member
			WHERE p.object = o.object AND p.state = 'held' AND p.member <> $1 AND coalesce(l.leaves_us, 0) = 0) < o.n`, string(id))
}
