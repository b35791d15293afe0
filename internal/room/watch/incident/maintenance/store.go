package maintenance

import (
	"context"
	"encoding/json"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `id, owner, start_us, end_us, zone, services, announced_us, sha256, closed_us, cancelled`

func scan(r db.Row) (p Plan, err error) {
	var services string
	if err := r.Scan(&p.ID, &p.Owner, &p.Start, &p.End, &p.Zone, &services, &p.Announced, &p.Name, &p.Closed, &p.Cancelled); err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(services), &p.Services)
}

// add says whether the plan is new here. index is that of its entry.
func add(ctx context.Context, q db.Querier, p Plan, index int64) (bool, error) {
	services, err := json.Marshal(p.Services)
	if err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO watch_maintenance (`+columns+`, idx, closed_idx) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, FALSE, $9, -1) ON CONFLICT (id) DO NOTHING`,
		p.ID, string(p.Owner), int64(p.Start), int64(p.End), p.Zone, string(services), int64(p.Announced), p.Name, index)
	return n > 0, err
}

// closePlan ends a plan that stands, once.
func closePlan(ctx context.Context, q db.Querier, p Plan, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_maintenance SET closed_us = $2, cancelled = $3, closed_idx = $4 WHERE id = $1 AND closed_us = 0`,
		p.ID, int64(p.Closed), p.Cancelled, index)
	return err
}

// said is when a member last said something of this page in an entry before an index.
func said(ctx context.Context, q db.Querier, owner core.MemberID, index int64) (core.Moment, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT max(m) FROM (
		SELECT max(announced_us) AS m FROM watch_maintenance WHERE owner = $1 AND idx < $2
		UNION ALL SELECT max(said_us) FROM watch_note WHERE owner = $1 AND idx < $2
		UNION ALL SELECT max(said_us) FROM watch_promise WHERE owner = $1 AND idx < $2) AS all_said`, string(owner), index)
	return core.Moment(n), err
}

// counted is how many plans a member announced in a time, and in all.
func counted(ctx context.Context, q db.Querier, owner core.MemberID, from, to core.Moment) (here, all int64, err error) {
	c, err := db.One(ctx, q, func(r db.Row) (c [2]int64, err error) { return c, r.Scan(&c[0], &c[1]) },
		`SELECT count(*) FILTER (WHERE announced_us > $2 AND announced_us <= $3), count(*) FROM watch_maintenance WHERE owner = $1`, string(owner), int64(from), int64(to))
	return c[0], c[1], err
}

func byID(ctx context.Context, q db.Querier, id string) (Plan, error) {
	p, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM watch_maintenance WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return p, core.NotFound("watch.maintenance.unknown", err).With("ID", id[:min(len(id), shortID)])
	}
	return p, err
}

// like finds a member's plans whose id begins so, two at most.
func like(ctx context.Context, q db.Querier, owner core.MemberID, prefix string) ([]Plan, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_maintenance WHERE owner = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT 2`, string(owner), prefix, prefix+"g")
}

// list reads the plans that touch a time, in their order; owner empty: everybody's.
func list(ctx context.Context, q db.Querier, owner core.MemberID, from, to core.Moment) ([]Plan, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_maintenance
		WHERE ($1 = '' OR owner = $1) AND end_us > $2 AND start_us < $3 ORDER BY start_us, id LIMIT $4`, string(owner), int64(from), int64(to), maxListed)
}

// untold lists plans whose state has to be told: planned, ended or cancelled.
func untold(ctx context.Context, q db.Querier, limit int) ([]Plan, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_maintenance
		WHERE told <> CASE WHEN cancelled THEN 'cancelled' WHEN closed_us <> 0 THEN 'ended' ELSE 'planned' END ORDER BY announced_us, id LIMIT $1`, limit)
}

func setTold(ctx context.Context, q db.Querier, id string, s State) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_maintenance SET told = $2 WHERE id = $1`, id, string(s))
	return err
}

// cut forgets what a logbook said from an index on.
func cut(ctx context.Context, q db.Querier, owner core.MemberID, index int64) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM watch_maintenance WHERE owner = $1 AND idx >= $2`, string(owner), index); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `UPDATE watch_maintenance SET closed_us = 0, cancelled = FALSE, closed_idx = -1 WHERE owner = $1 AND closed_idx >= $2`, string(owner), index)
	return err
}
