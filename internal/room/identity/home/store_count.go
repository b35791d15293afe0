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
	new   int         // who came for the first time since a moment
	first core.Moment // when the very first came
}

func counts(ctx context.Context, q db.Querier, since core.Moment) (map[core.MemberID]count, error) {
	all, err := db.All(ctx, q, func(r db.Row) (c count, err error) { return c, r.Scan(&c.home, &c.here, &c.new, &c.first) },
		`SELECT home, count(CASE WHEN state = 'active' THEN 1 END), count(CASE WHEN made_us >= $1 THEN 1 END), min(made_us)
			FROM identity_visitor GROUP BY home`, int64(since))
	byHome := make(map[core.MemberID]count, len(all))
	for _, c := range all {
		byHome[c.home] = c
	}
	return byHome, err
}

// newHomes are the homes whose first person came after a moment, the newest first.
func newHomes(ctx context.Context, q db.Querier, since core.Moment) ([]count, error) {
	return db.All(ctx, q, func(r db.Row) (c count, err error) { return c, r.Scan(&c.home, &c.here, &c.first) },
		`SELECT home, count(*), min(made_us) FROM identity_visitor GROUP BY home HAVING min(made_us) > $1 ORDER BY min(made_us) DESC, home`, int64(since))
}
