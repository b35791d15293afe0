package home

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// shut notes that nobody comes in from a home any more, and that its people may be signed in
// still.
func shut(ctx context.Context, q db.Querier, member core.MemberID, reason string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_home_shut (member, reason, at_us, rest, upto) VALUES ($1, $2, $3, TRUE, '')
		ON CONFLICT (member) DO UPDATE SET reason = excluded.reason, rest = TRUE, upto = ''`, string(member), reason, int64(now))
	return err
}

func reopen(ctx context.Context, q db.Querier, member core.MemberID) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_home_shut WHERE member = $1`, string(member))
	return n == 1, err
}

func isShut(ctx context.Context, q db.Querier, member core.MemberID) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_home_shut WHERE member = $1`, string(member))
	return n > 0, err
}

// unfinished lists the shut homes of which people may be signed in still.
func unfinished(ctx context.Context, q db.Querier) ([]core.MemberID, error) {
	return db.All(ctx, q, func(r db.Row) (id core.MemberID, err error) { return id, r.Scan(&id) },
		`SELECT member FROM identity_home_shut WHERE rest ORDER BY member`)
}

// shutRest is up to which sub the people of a shut home are signed out, and whether there may
// be others.
func shutRest(ctx context.Context, q db.Querier, member core.MemberID) (upto string, rest bool, err error) {
	upto, err = db.One(ctx, q, db.Text, `SELECT upto FROM identity_home_shut WHERE member = $1 AND rest`, string(member))
	if errors.Is(err, db.ErrNoRow) {
		return "", false, nil
	}
	return upto, err == nil, err
}

func putRest(ctx context.Context, q db.Querier, member core.MemberID, upto string, rest bool) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_home_shut SET upto = $2, rest = $3 WHERE member = $1`, string(member), upto, rest)
	return err
}

// visitorsAfter lists the people of a home that are here, after one of them.
func visitorsAfter(ctx context.Context, q db.Querier, home core.MemberID, after string, limit int) ([]Visitor, error) {
	return db.All(ctx, q, scanVisitor, `SELECT `+visitorColumns+` FROM identity_visitor WHERE home = $1 AND state = 'active' AND sub > $2 ORDER BY sub LIMIT $3`,
		string(home), after, limit)
}
