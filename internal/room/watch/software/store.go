package software

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
)

const rowColumns = `owner, target, service, software, version, seen_us, behind_us`

func scanRow(s db.Row) (r Running, err error) {
	return r, s.Scan(&r.Owner, &r.Target, &r.Service, &r.Software, &r.Version, &r.Seen, &r.Behind)
}

// runningOf is what a target was last known to run.
func runningOf(ctx context.Context, q db.Querier, owner core.MemberID, target string) (r Running, known bool, err error) {
	r, err = db.One(ctx, q, scanRow, `SELECT `+rowColumns+` FROM watch_software WHERE owner = $1 AND target = $2`, owner, target)
	if errors.Is(err, db.ErrNoRow) {
		return Running{}, false, nil
	}
	return r, err == nil, err
}

func allRunning(ctx context.Context, q db.Querier, owner core.MemberID) ([]Running, error) {
	return db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM watch_software WHERE owner = $1 ORDER BY service, target LIMIT 1000`, owner)
}

func putRunning(ctx context.Context, q db.Querier, r Running) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_software (`+rowColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (owner, target) DO UPDATE SET service = $3, software = $4, version = $5, seen_us = $6, behind_us = $7`,
		r.Owner, r.Target, r.Service, r.Software, r.Version, r.Seen, r.Behind)
	return err
}

func everyRunning(ctx context.Context, q db.Querier, after Running, limit int) ([]Running, error) {
	return db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM watch_software WHERE (owner, target) > ($1, $2) ORDER BY owner, target LIMIT $3`,
		after.Owner, after.Target, limit)
}

func forget(ctx context.Context, q db.Querier, owner core.MemberID, target string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_software WHERE owner = $1 AND target = $2`, owner, target)
	return err
}

// published is the newest table of a member; ok is false when it has none.
func published(ctx context.Context, q db.Querier, member core.MemberID) (body string, idx int64, ok bool, err error) {
	type row struct {
		body string
		idx  int64
	}
	r, err := db.One(ctx, q, func(s db.Row) (r row, err error) { return r, s.Scan(&r.body, &r.idx) },
		`SELECT body, idx FROM watch_safe WHERE member = $1`, member)
	if errors.Is(err, db.ErrNoRow) {
		return "", 0, false, nil
	}
	return r.body, r.idx, err == nil, err
}

// publish keeps the table of an entry unless a newer one is there.
func publish(ctx context.Context, q db.Querier, e logbook.Entry, body []byte) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_safe (member, idx, iat_us, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (member) DO UPDATE SET idx = $2, iat_us = $3, body = $4 WHERE watch_safe.idx <= $2`, e.Log, e.Index, e.Iat, string(body))
	return err
}

// unpublish forgets a table that was taken back.
func unpublish(ctx context.Context, q db.Querier, member core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_safe WHERE member = $1 AND idx >= $2`, member, from)
	return err
}
