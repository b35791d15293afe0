package home

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// count is how many people of a home are and were here.
type count struct {
	home  core.MemberID
	here  int         // at home there now
	ever  int         // those too who moved on
	new   int         // who came for the first time since a moment
	first core.Moment // when the very first came
}

// counts are those of all homes of which anybody ever came, by name.
func counts(ctx context.Context, q db.Querier, since core.Moment) ([]count, error) {
	return db.All(ctx, q, func(r db.Row) (c count, err error) { return c, r.Scan(&c.home, &c.here, &c.ever, &c.new, &c.first) },
		`SELECT home, count(CASE WHEN state = 'active' THEN 1 END), count(*), count(CASE WHEN made_us >= $1 THEN 1 END), min(made_us)
			FROM identity_visitor GROUP BY home ORDER BY home`, int64(since))
}
