package directory

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// change is one thing that became different at this hoster.
type change struct {
	seq   int64
	at    core.Moment
	what  string // new, ended, full, open, level, state
	slug  string // "" = the hoster itself
	name  string
	value string // the level or the state
}

// maxChanges is how many changes are kept.
const maxChanges = 200

func (r *Room) addChange(ctx context.Context, c change) error {
	return r.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		last, err := db.One(ctx, q, func(s db.Row) (n int64, err error) { return n, s.Scan(&n) }, `SELECT coalesce(max(seq), 0) FROM directory_change`)
		if err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `INSERT INTO directory_change (seq, at_us, what, slug, name, value) VALUES ($1, $2, $3, $4, $5, $6)`,
			last+1, int64(c.at), c.what, c.slug, c.name, c.value); err != nil {
			return err
		}
		_, err = db.Exec(ctx, q, `DELETE FROM directory_change WHERE seq <= $1`, last+1-maxChanges)
		return err
	})
}

// lastChanges are the newest changes, the newest first.
func (r *Room) lastChanges(ctx context.Context, limit int) ([]change, error) {
	return db.All(ctx, r.n.DB, func(s db.Row) (c change, err error) {
		return c, s.Scan(&c.seq, &c.at, &c.what, &c.slug, &c.name, &c.value)
	}, `SELECT seq, at_us, what, slug, name, value FROM directory_change ORDER BY seq DESC LIMIT $1`, limit)
}
