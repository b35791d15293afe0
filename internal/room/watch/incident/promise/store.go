package promise

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
)

func scan(r db.Row) (s Said, err error) {
	var text string
	if err := r.Scan(&s.Said, &text); err != nil {
		return s, err
	}
	return s, wire.Peek([]byte(text), &s.Promise)
}

// add stores what an entry says, once.
func add(ctx context.Context, q db.Querier, owner core.MemberID, s Said, index int64) error {
	text, err := wire.Encode(s.Promise)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO watch_promise (owner, service, idx, said_us, promise) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, service, idx) DO NOTHING`,
		string(owner), s.Service, index, int64(s.Said), string(text))
	return err
}

// all lists a member's promises in their order; service empty: of all services.
func all(ctx context.Context, q db.Querier, owner core.MemberID, service string) ([]Said, error) {
	return db.All(ctx, q, scan, `SELECT said_us, promise FROM watch_promise WHERE owner = $1 AND ($2 = '' OR service = $2) ORDER BY service, idx LIMIT $3`,
		string(owner), service, maxKept)
}

// counts are how many promises a member said in a time, and in all.
func counts(ctx context.Context, q db.Querier, owner core.MemberID, from, to core.Moment) (here, total int64, err error) {
	c, err := db.One(ctx, q, func(r db.Row) (c [2]int64, err error) { return c, r.Scan(&c[0], &c[1]) },
		`SELECT count(*) FILTER (WHERE said_us > $2 AND said_us <= $3), count(*) FROM watch_promise WHERE owner = $1`, string(owner), int64(from), int64(to))
	return c[0], c[1], err
}

// latest is when a member last promised something in an entry before an index.
func latest(ctx context.Context, q db.Querier, owner core.MemberID, index int64) (core.Moment, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT max(said_us) FROM watch_promise WHERE owner = $1 AND idx < $2`, string(owner), index)
	return core.Moment(n), err
}

func cut(ctx context.Context, q db.Querier, owner core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_promise WHERE owner = $1 AND idx >= $2`, string(owner), index)
	return err
}
